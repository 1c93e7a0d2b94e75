import type { Clock } from '../ports.js';
import type { AgentListener } from './events.js';
import { type FileMeter, type Progress, ProgressMeter } from './progress.js';

/** A listener to all events of a run that says what each of them means for its progress; `null`: nothing. */
export function progressOfEvents(
  clock: Pick<Clock, 'monotonic'>,
): (event: Parameters<AgentListener>[0]) => Progress | null {
  const meter = new ProgressMeter(clock);
  const files = new Map<string, FileMeter>();
  return (event) => {
    switch (event.type) {
      case 'scan-start':
        meter.listed = false;
        meter.settle();
        return null;
      case 'scan-listed':
        meter.listed = true;
        return null;
      case 'plan':
        if (event.files > 0) meter.find(event);
        return null;
      case 'batch':
        meter.settle();
        return null;
      case 'transfer-start': {
        const file = meter.begin(event.path, event.action, event.size);
        files.set(event.path, file);
        return file.note(0);
      }
      case 'transfer-progress':
        return files.get(event.path)?.note(event.bytes) ?? null;
      case 'transfer-end': {
        const file = files.get(event.path);
        files.delete(event.path);
        return file?.end(event.ok) ?? null;
      }
      default:
        return null;
    }
  };
}
