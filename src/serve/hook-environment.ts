/** The environment of a command of the user's. */

/**
 * What is meant for this process alone: secrets to log in with, the service manager's channels (a command that spoke on
 * NOTIFY_SOCKET would be taken for us), sockets handed over.
 */
const withheld =
  /^(?:TOWLINE_(?:.*_)?(?:PASS(?:WORD|PHRASE)|SECRET|TOKEN).*|CREDENTIALS_DIRECTORY|NOTIFY_SOCKET|WATCHDOG_(?:USEC|PID)|LISTEN_(?:FDS|PID|FDNAMES)|FDSTORE|MAINPID|MANAGERPID)$/;

/** Ours, but for what is withheld, and what the command is told. */
export function hookEnvironment(
  own: Readonly<Record<string, string | undefined>>,
  told: Readonly<Record<string, string>>,
): Record<string, string | undefined> {
  return { ...Object.fromEntries(Object.entries(own).filter(([name]) => !withheld.test(name))), ...told };
}
