import type { SqlUser } from '@headwater/local-platform';

/** Keys of the Secret with the databases' credentials; the chart's values name the same. */
export const SUPERUSER_KEY = 'postgres-password';
export const passwordKey = (user: SqlUser): string => `${user.replaceAll('_', '-')}-password`;
export const addressKey = (user: SqlUser): string => `${user.replaceAll('_', '-')}-url`;
