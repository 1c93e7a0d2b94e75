/** What the demo edits: a small web site, and a cycle of edits as people and programs make them. Pure. */

/** Files by path, with `/`; `null`: not there. */
export type Files = ReadonlyMap<string, string | null>;

export interface Edit {
  readonly kind: 'save' | 'new' | 'append' | 'rename' | 'burst' | 'replace' | 'delete';
  /** What is edited, in a few words. */
  readonly label: string;
  /** How the files look afterwards. */
  readonly after: Files;
  /** With `rename`: the one path that becomes the other. */
  readonly moved?: { readonly from: string; readonly to: string };
}

/** How many edits there are until they begin anew. */
export const cycleLength = 7;
const burstFiles = 20;

/** The sample before the first edit. */
export function sampleFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['index.html', page(0)],
    ['about.html', '<!doctype html>\n<title>About</title>\n<p>Nothing here is worth keeping.</p>\n'],
    ['css/style.css', style(0)],
    ['css/print.css', 'nav { display: none }\n'],
    ['js/app.js', "console.log('start');\n"],
    ['js/lib/menu.js', 'export const open = (menu) => menu.showModal();\n'],
    ['notes/readme.txt', 'A sample folder: edit it and watch the other side.\n'],
    ['archive/old.txt', 'Kept for the record.\n'],
  ]);
}

/** The edit of a round, counted from 0: the same in every run. */
export function editOf(round: number): Edit {
  const cycle = Math.floor(round / cycleLength) + 1;
  const note = `notes/day-${cycle}.txt`;
  const archived = `archive/day-${cycle}.txt`;
  switch (round % cycleLength) {
    case 0:
      return { kind: 'save', label: 'index.html', after: new Map([['index.html', page(cycle)]]) };
    case 1:
      return { kind: 'new', label: note, after: new Map([[note, noteText(cycle)]]) };
    case 2:
      return { kind: 'append', label: 'js/app.js', after: new Map([['js/app.js', script(cycle)]]) };
    case 3:
      return {
        kind: 'rename',
        label: `${note} to archive/`,
        after: new Map([
          [note, null],
          [archived, noteText(cycle)],
        ]),
        moved: { from: note, to: archived },
      };
    case 4:
      return { kind: 'burst', label: `${burstFiles} files in build/`, after: burst(cycle) };
    case 5:
      return { kind: 'replace', label: 'css/style.css', after: new Map([['css/style.css', style(cycle)]]) };
    default:
      return { kind: 'delete', label: archived, after: new Map([[archived, null]]) };
  }
}

function page(version: number): string {
  const items = Array.from({ length: 40 }, (_, i) => `  <li>line ${i + 1} of version ${version}</li>\n`);
  return `<!doctype html>\n<title>Version ${version}</title>\n<ul>\n${items.join('')}</ul>\n`;
}

function style(version: number): string {
  return `body { font: 1rem/1.5 sans-serif; --version: ${version} }\n`;
}

function script(version: number): string {
  const lines = Array.from({ length: version }, (_, i) => `console.log('edit ${i + 1}');\n`);
  return `console.log('start');\n${lines.join('')}`;
}

function noteText(version: number): string {
  return `What happened on day ${version}: a file was made, moved and deleted.\n`;
}

function burst(version: number): Files {
  const names = Array.from(
    { length: burstFiles },
    (_, i) => `build/chunk-${String(i + 1).padStart(2, '0')}.js`,
  );
  return new Map(names.map((name) => [name, `// ${name}, build ${version}\n${'export {};\n'.repeat(50)}`]));
}
