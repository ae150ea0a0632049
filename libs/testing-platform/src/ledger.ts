import { Pool } from 'undici';

/** A payment as the simulated provider keeps it. */
export interface LedgerEntry {
  payment_key: string;
  status: 'debited' | 'declined' | 'voided';
  order_id?: string;
  /** Minor units. */
  amount?: string;
}

/** Every payment of the provider by its key. */
export async function readLedger(simulatorUrl: string): Promise<Map<string, LedgerEntry>> {
  const pool = new Pool(simulatorUrl, { connections: 1 });
  try {
    const entries = new Map<string, LedgerEntry>();
    for (let after: string | undefined = ''; after !== undefined;) {
      const response = await pool.request({
        method: 'GET',
        path: `/ledger?${new URLSearchParams({ after, limit: '1000' })}`,
      });
      const page = (await response.body.json()) as { payments: LedgerEntry[]; next?: string };
      for (const entry of page.payments) entries.set(entry.payment_key, entry);
      after = page.next;
    }
    return entries;
  } finally {
    await pool.close();
  }
}

/** Changes how the provider misbehaves, for example `{ error_rate: 0.1 }`. */
export async function setFaults(simulatorUrl: string, faults: Record<string, unknown>): Promise<void> {
  const response = await fetch(`${simulatorUrl}/faults`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(faults),
  });
  if (!response.ok) throw new Error(`the simulator refused the faults: ${await response.text()}`);
}
