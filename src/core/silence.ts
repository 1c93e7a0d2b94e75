const nothing = (): void => undefined;

/** A log that keeps nothing. */
export const silence = { debug: nothing, info: nothing, warn: nothing, error: nothing };
