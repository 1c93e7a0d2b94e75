import { asTowlineError, type TowlineError } from '../core/errors.js';

/** How one attempt to log in stands, for all who answer the server's questions, which may take a person's time. */
export class LoginState {
  #over = false;
  #broken: TowlineError | null = null;

  /** What ended it from our side, such as a person who gave up; `null`: nothing. */
  get broken(): TowlineError | null {
    return this.#broken;
  }

  /** Nothing further is to be tried. The first reason counts. */
  breakOff(error: unknown): void {
    this.#broken ??= asTowlineError(error);
  }

  /** The connection is gone. */
  end(): void {
    this.#over = true;
  }

  /** Gives ssh2 an answer, unless the connection went away meanwhile: it would throw. */
  answer(give: () => void): void {
    if (!this.#over) give();
  }
}
