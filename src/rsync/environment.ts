/** The environment that rsync and its ssh run in. */

/** Secrets of ours, settings that would change what rsync does, and a window that would ask for a password. */
const withheld =
  /^(?:TOWLINE_.*|RSYNC_.*|SSH_ASKPASS|SSH_ASKPASS_REQUIRE|CREDENTIALS_DIRECTORY|NOTIFY_SOCKET|LC_.*|LANGUAGE)$/;

/** `own` without what is withheld; messages are in English, since they are matched. */
export function rsyncEnvironment(
  own: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const kept = Object.entries(own).filter(([name]) => !withheld.test(name));
  return { ...Object.fromEntries(kept), LC_ALL: 'C', SSH_ASKPASS_REQUIRE: 'never' };
}
