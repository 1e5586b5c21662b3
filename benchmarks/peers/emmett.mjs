// Emmett's PostgreSQL event store behind a pipe: `run N` appends N events from 32 callers and answers the seconds.
import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';
import { STREAM_DOES_NOT_EXIST } from '@event-driven-io/emmett';

const [host, database, user, payloads, callers] = process.argv.slice(2);
// A connection for each caller: with node-postgres's own ten it is slower.
const pool = new pg.Pool({ host, database, user, max: Number(callers) });
const store = getPostgreSQLEventStore(`postgresql://${user}@localhost/${database}?host=${host}`, {
  connectionOptions: { pooled: true, pool },
});
await store.schema.migrate();
const events = readFileSync(payloads, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
let next = 0;

const caller = async (until) => {
  while (next < until) {
    const { stream, data } = events[next++];
    await store.appendToStream(stream, [{ type: 'PetitionReceived', data }], {
      expectedStreamVersion: STREAM_DOES_NOT_EXIST,
    });
  }
};

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const count = Number(line.split(' ')[1]);
  const began = process.hrtime.bigint();
  const until = next + count;
  await Promise.all(Array.from({ length: Number(callers) }, () => caller(until)));
  console.log(Number(process.hrtime.bigint() - began) / 1e9);
}
await store.close();
await pool.end();
