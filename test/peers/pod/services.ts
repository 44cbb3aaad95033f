// Runs inside the pod, beside Envoy: a development KMS and an upstream on its loopback. Arguments: KMS port, upstream
// port, key ids to make.
import { DemonstrationUpstream } from '../../../envoy/standalone/demonstration-upstream.ts';
import { DevelopmentKms } from '../../../envoy/standalone/development-kms.ts';

const [kmsPort, upstreamPort, ...keyIds] = process.argv.slice(2);
const kms = new DevelopmentKms();
for (const keyId of keyIds) kms.createKey(keyId);
await kms.start('127.0.0.1', Number(kmsPort));
await new DemonstrationUpstream().start('127.0.0.1', Number(upstreamPort));
process.stdout.write('services are ready\n');
