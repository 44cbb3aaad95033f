// `fim audit open`: the plaintext of a sealed field, after a record of it is durable.
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import { fetchKey } from '../../envoy/standalone/open-protected.ts';
import { AuditClient } from '../../services/audit/client.ts';
import { AuditLog } from '../../services/audit/audit-log.ts';
import { findRecord } from '../../services/audit/log-reader.ts';
import { isSealed, openSealed } from '../../services/audit/sealed-value.ts';
import { hasDevelopmentKey, signingKey } from '../../services/audit/signing-key.ts';
import { readPresence } from '../../services/audit/presence.ts';
import { logFolder } from './audit-folder.ts';
import { printable } from './audit-read.ts';
import { type KmsFlags, readKmsCredentials } from './kms-credentials.ts';
import { type KmsSettingFlags, readSettingFlags } from './kms-options.ts';
import { readFlagFile } from './audit-log-options.ts';
import { readPeer } from './options.ts';

export interface AuditOpenFlags extends KmsFlags, KmsSettingFlags {
  field: string;
  kms: string;
  reason: string;
  collector?: string;
  collectorTokenFile?: string;
  collectorCa?: string;
}

const MIN_REASON = 3;
const MAX_REASON = 256;
/** Time for the record to become durable, milliseconds. */
const RECORD_MS = 15_000;

/** Opens a field of a record and prints it. Errors: FIM-AUD-0025, FIM-AUD-0027, FIM-AUD-0028, those of the KMS. */
export async function openAudit(named: string | undefined, event: string, flags: AuditOpenFlags): Promise<number> {
  const reason = flags.reason.trim();
  if (reason.length < MIN_REASON || reason.length > MAX_REASON || /\p{Cc}/u.test(reason))
    throw new CodedError('FIM-UP-0020', `--reason is a line of ${MIN_REASON} to ${MAX_REASON} characters`);
  const kms = {
    url: readPeer(flags.kms, '--kms'),
    credentials: readKmsCredentials(flags),
    ...readSettingFlags(flags),
  };
  const folder = logFolder(named);
  const found = findRecord(folder, event);
  if (found === null) throw new CodedError('FIM-AUD-0025', 'the log has no such event_id or number');
  const { event_id, data_masked } = found.record as { event_id: string; data_masked?: Record<string, unknown> };
  const value = Object.hasOwn(data_masked ?? {}, flags.field) ? data_masked![flags.field] : undefined;
  if (!isSealed(value)) throw new CodedError('FIM-AUD-0027', 'the record has no sealed field of that name');
  const { username } = userInfo();
  await record(folder, flags, {
    subject_id: username,
    event: event_id,
    field: flags.field,
    keys: [{ id: value.key, version: value.version }],
    why: reason,
  });
  const key = await fetchKey(`${value.key}#${value.version}`, kms, value.alg === 'SM4-GCM' ? 'SM4' : 'AES-256');
  try {
    const plain = openSealed(value, key, event_id, flags.field);
    process.stdout.write(process.stdout.isTTY ? `${printable(plain.toString('utf8'))}\n` : plain);
  } finally {
    key.fill(0);
  }
  return 0;
}

/** Whether a process is there; a note of one that was killed says nothing. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Writes down that a field is opened, durably. Error: FIM-AUD-0028; then nothing is opened. */
async function record(folder: string, flags: AuditOpenFlags, members: Record<string, unknown>): Promise<void> {
  try {
    const presence = flags.collector === undefined ? readPresence(folder) : null;
    if (flags.collector === undefined && (presence === null || !isAlive(presence.pid))) {
      if (!hasDevelopmentKey(folder))
        throw new Error('the key of the log is elsewhere: name its collector by --collector');
      // Nobody writes the folder: it is opened for the one record.
      const log = await AuditLog.open({ folder, ...(await signingKey(folder, {})) });
      log.note('opened', members);
      await log.close();
      return;
    }
    const token = flags.collectorTokenFile;
    let reason = 'the record was not durable in time';
    const client = new AuditClient({
      ...(presence ? { ...presence, url: new URL(presence.url) } : { url: readPeer(flags.collector!, '--collector') }),
      onState: ({ taken, code }) => {
        if (!taken) reason = code === undefined ? 'the collector does not answer' : `the collector says ${code}`;
      },
      ...(flags.collectorCa !== undefined && { ca: readFlagFile(flags.collectorCa, '--collector-ca') }),
      ...(token !== undefined && { token: () => readFileSync(token, 'utf8').split('\n')[0]!.trim() }),
    });
    const written = client.write('opened', members);
    written.catch(() => undefined);
    await client.stop(RECORD_MS);
    await written.catch(() => Promise.reject(new Error(reason)));
  } catch (error) {
    if (error instanceof CodedError && error.code === 'FIM-AUD-0020')
      throw new CodedError('FIM-AUD-0028', 'a collector writes the folder: name it by --collector');
    throw new CodedError('FIM-AUD-0028', messageOf(error));
  }
}
