/** What carries contents. */
export type Transport = 'sftp' | 'rsync';

export const transports: readonly Transport[] = ['sftp', 'rsync'];
