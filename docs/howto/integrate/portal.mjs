// A province's portal in one file, in JavaScript: what integrate.md does, step by step. Node 24; of packages amqplib alone.
//
// Usage: node portal.mjs push|correct|deadlines|answer|file|offline|follow|reconcile|subscribe|webhook|queue
import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';

const { SOURCE, TOKEN, INTAKE, FOLLOWUP, BROKER } = process.env;
const STATE = process.env.STATE ?? '.data/portal';
const SINK_PORT = Number(process.env.SINK_PORT ?? 8600);
const PETITION = {
  jurisdiction: 'H35.10.31',
  channel: 'cổng thông tin',
  text: 'Rác ở chợ trung tâm ba ngày mới thu gom một lần.',
  petitioner_ids: ['cong-thu-nghiem-5821'],
  identities: { 'cong-thu-nghiem-5821': { name: 'Lò Thị Mai', phone: '0900000000' } },
};
const ELSEWHERE = { ...PETITION, jurisdiction: 'H35.11.31' }; // where a reply is owed from the day of receipt
const CORRECTED = { ...PETITION, text: 'Rác ở chợ trung tâm năm ngày mới thu gom một lần.' };

// One call, made again where it may be: too often, no process behind the proxy, a lost connection. The key stays the same.
async function call(method, url, body) {
  const headers = { Authorization: `Bearer ${TOKEN}`, 'Idempotency-Key': randomUUID() };
  if (body) headers['Content-Type'] = 'application/json';
  for (let attempt = 1; ; attempt += 1) {
    const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body), redirect: 'manual' }).catch(() => null);
    if (answer?.ok) return answer;
    if ((answer && ![429, 502, 503, 504].includes(answer.status)) || attempt === 6) {
      throw new Error(answer ? `${answer.status} ${await answer.text()}` : `no answer from ${url}`);
    }
    const asked = Number(answer?.headers.get('retry-after') ?? 0);
    await wait(1000 * Math.max(asked, 0.5 * 2 ** (attempt - 1) * (0.5 + Math.random() / 2)));
  }
}

const json = async (...given) => (await call(...given)).json();
const reference = (name) => `${INTAKE}/v1/petitions/by-reference/${SOURCE}/${encodeURIComponent(name)}`;
const put = (name, version, petition) => json('PUT', reference(name), { ...petition, source_version: version });
const answerTo = (name) => json('GET', `${reference(name)}/answer`);

// What we hold: how far we are, and what the events made us do, in one file and one transaction.
function store() {
  mkdirSync(STATE, { recursive: true });
  const held = new DatabaseSync(`${STATE}/portal-js.sqlite`, { timeout: 30000 });
  held.exec(`CREATE TABLE IF NOT EXISTS cursors (feed TEXT PRIMARY KEY, cursor TEXT NOT NULL);
             CREATE TABLE IF NOT EXISTS news (event_id TEXT PRIMARY KEY, type, external_id, way);`);
  return held;
}

function transaction(held, act) {
  held.exec('BEGIN IMMEDIATE');
  try {
    const came = act();
    held.exec('COMMIT');
    return came;
  } catch (error) {
    held.exec('ROLLBACK');
    throw error;
  }
}

// Whether the event is new; its id is kept with what it made us do, so it does not matter by how many ways it comes.
function write(held, event, way) {
  const type = event.type.replace(/^vn\.doithoai\./, '');
  const row = held.prepare('INSERT OR IGNORE INTO news VALUES (?, ?, ?, ?)');
  return row.run(event.id, type, event.externalid ?? '', way).changes === 1;
}

function takeIn(held, event, way) {
  const isNew = transaction(held, () => write(held, event, way));
  console.log(way, event.type.replace(/^vn\.doithoai\./, ''), event.externalid ?? '', isNew ? 'new' : 'known');
}

// Standard Webhooks: HMAC-SHA256 over "id.timestamp.body" under the secret after whsec_.
function isSigned(secret, headers, body) {
  const [id, at] = [headers['webhook-id'], headers['webhook-timestamp']];
  if (!(Math.abs(Date.now() / 1000 - Number(at)) <= 300)) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const own = createHmac('sha256', key).update(`${id}.${at}.`).update(body).digest();
  return String(headers['webhook-signature']).split(' ').some((each) => {
    const given = Buffer.from(each.replace(/^v1,/, ''), 'base64');
    return each.startsWith('v1,') && given.length === own.length && timingSafeEqual(given, own);
  });
}

// The digest of a day: the sorted lines "external_id TAB source_version TAB state LF".
function digest(lines) {
  const sorted = lines.map((line) => Buffer.from(line.normalize('NFC'))).sort(Buffer.compare);
  return createHash('sha256').update(Buffer.concat(sorted)).digest('hex');
}

const commands = {
  async push() {
    const { result, id, receipt_code: code } = await put('TN-0001', '1', PETITION);
    console.log(result, id, code);
  },
  async correct() {
    console.log((await put('TN-0001', '2', CORRECTED)).result);
  },
  async deadlines() {
    const { id } = await put('TN-0001', '2', CORRECTED); // unchanged: says its id
    const { items } = await json('GET', `${FOLLOWUP}/v1/deadlines?subject_id=${id}`);
    for (const { duty, due_on: due, status } of items) console.log(duty, due, status);
  },
  async answer() {
    const { state, names, reply } = await answerTo('TN-0001');
    console.log(state, names.vi, reply?.text ?? null);
  },
  async file() {
    const { id, reply } = await answerTo('TN-0001');
    const came = Buffer.from(await (await call('GET', `${INTAKE}/v1/petitions/${id}/files/${reply.digest}`)).arrayBuffer());
    if (createHash('sha256').update(came).digest('hex') !== reply.digest) throw new Error('another file');
    writeFileSync(`${STATE}/reply.pdf`, came);
    console.log('reply.pdf', reply.digest);
  },
  async offline() {
    const items = ['TN-0002', 'TN-0003'].map((name) => ({ ...ELSEWHERE, source: SOURCE, external_id: name, source_version: '1' }));
    const came = await json('POST', `${INTAKE}/v1/petitions/batch`, { items });
    for (const { index, push, problem } of came.items) console.log(items[index].external_id, push?.result ?? problem.detail);
  },
  async follow() {
    const held = store();
    for (const [service, url] of Object.entries({ intake: INTAKE, followup: FOLLOWUP })) {
      let written = 0;
      for (let isLast = false; !isLast; ) {
        const cursor = held.prepare('SELECT cursor FROM cursors WHERE feed = ?').get(service)?.cursor ?? '';
        // A 409 history-changed has another `cursor`: look at what you did with the last events, then go on from there.
        const page = await json('GET', `${url}/v1/events?mine=true&cursor=${encodeURIComponent(cursor)}`);
        transaction(held, () => {
          for (const event of page.events) written += write(held, event, 'feed');
          held.prepare('INSERT OR REPLACE INTO cursors VALUES (?, ?)').run(service, page.next);
        });
        isLast = page.complete_to !== null || page.next === cursor;
      }
      console.log(service, written, 'new');
    }
  },
  async reconcile(day) {
    const own = await Promise.all(['TN-0002', 'TN-0003'].map(async (name) => `${name}\t1\t${(await answerTo(name)).state}\n`));
    const theirs = await json('GET', `${INTAKE}/v1/reconciliation?source=${SOURCE}&day=${day}`);
    console.log(theirs.digest === digest(own) ? 'the same' : theirs, theirs.digest);
  },
  async subscribe() {
    const body = { sink: `http://127.0.0.1:${SINK_PORT}/`, protocol: 'HTTP', types: ['DeadlineBreached'], config: { mine: true } };
    const made = await json('POST', `${FOLLOWUP}/v1/subscriptions`, body);
    writeFileSync(`${STATE}/subscription.json`, JSON.stringify(made));
    console.log(made.status);
  },
  async webhook() {
    const held = store();
    createServer(async (request, response) => {
      if (request.method === 'OPTIONS') {
        response.writeHead(200, { 'WebHook-Allowed-Origin': request.headers['webhook-request-origin'] ?? '' }).end();
        return;
      }
      const parts = [];
      for await (const part of request) parts.push(part);
      const body = Buffer.concat(parts);
      const { secret } = JSON.parse(readFileSync(`${STATE}/subscription.json`, 'utf8'));
      if (!isSigned(secret, request.headers, body)) {
        response.writeHead(401).end();
        return;
      }
      takeIn(held, JSON.parse(body), 'webhook'); // committed before it is acknowledged
      response.writeHead(204).end();
    }).listen(SINK_PORT, '127.0.0.1', () => console.log('webhook listens'));
  },
  async queue() {
    const amqp = createRequire(`${process.cwd()}/`)('amqplib');
    const held = store();
    const connection = await amqp.connect(BROKER);
    const channel = await connection.createChannel();
    await channel.assertQueue('portal.breaches', { durable: true });
    await channel.bindQueue('portal.breaches', 'dialogue.deadlines', 'deadline.deadline_breached.H35.#');
    await channel.consume('portal.breaches', (message) => {
      const { headers, userId } = message.properties;
      const event = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.replace(/^ce-/, ''), value]));
      if (userId === 'followup') takeIn(held, { ...event, data: JSON.parse(message.content) }, 'queue');
      channel.ack(message); // once it is taken in
    });
    console.log('queue listens');
  },
};

await commands[process.argv[2]](...process.argv.slice(3));
