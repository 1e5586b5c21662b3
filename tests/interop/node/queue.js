// A portal in JavaScript: queues petitions with amqplib, is answered, reads events with the CloudEvents SDK.
// Usage: node queue.js URL; prints JSON. Run in the folder of the packages.
const { createRequire } = require('node:module');
const load = createRequire(`${process.cwd()}/x.js`);
const amqp = load('amqplib');
const { HTTP } = load('cloudevents');

const ROOM = { jurisdiction: 'H35.10.31', text: 'Rác ở chợ.' };

function once(channel, queue, act) {
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`nothing came to ${queue}`)), 20000).unref();
    channel.consume(queue, (message) => resolve(message), { noAck: true }).then(act).catch(reject);
  });
}

async function refused(connection, act) {
  const channel = await connection.createConfirmChannel();
  return new Promise((resolve) => {
    channel.on('error', (error) => resolve(error.code));
    Promise.resolve(act(channel))
      .then(() => channel.waitForConfirms())
      .then(() => resolve('allowed'), () => {});
  });
}

async function main(url) {
  const connection = await amqp.connect(url);
  const answers = {};
  const news = await connection.createChannel();
  await news.assertQueue('portal.news', { exclusive: true });
  await news.bindQueue('portal.news', 'dialogue.events', 'petition.#.H35.#');
  for (const way of ['amq.rabbitmq.reply-to', 'portal.replies']) {
    const channel = await connection.createChannel();
    if (way === 'portal.replies') await channel.assertQueue(way, { exclusive: true });
    const command = Buffer.from(JSON.stringify({ command: 'PetitionReceived', data: { ...ROOM, external_id: `JS/${way}` } }));
    const properties = { messageId: `js-${way}`, userId: 'portal', replyTo: way, correlationId: 'c', contentType: 'application/json' };
    const answer = await once(channel, way, () => channel.publish('dialogue.commands', 'local', command, properties));
    answers[way] = { correlation: answer.properties.correlationId, body: JSON.parse(answer.content) };
  }
  const events = [];
  await new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('no events came')), 20000).unref();
    news.consume('portal.news', (message) => {
      const headers = { ...message.properties.headers, 'content-type': message.properties.contentType };
      const event = HTTP.toEvent({ headers, body: message.content.toString('utf8') });
      events.push({ ...event.toJSON(), user: message.properties.userId, valid: event.validate() });
      if (events.length === 2) resolve();
    }, { noAck: true });
  });
  const rights = {
    'publishes an event': (c) => c.publish('dialogue.events', 'petition.petition_received.H35', Buffer.from('{}')),
    'uses the default exchange': (c) => c.sendToQueue('followup.local.events', Buffer.from('{}')),
    'reads commands': (c) => c.consume('intake.local.commands', () => {}),
    'binds everything': (c) => c.assertQueue('portal.all', { exclusive: true }).then(() => c.bindQueue('portal.all', 'dialogue.events', '#')),
    'queues for another source': (c) => c.publish('dialogue.commands', 'other', Buffer.from('{}')),
  };
  const refusals = {};
  for (const [name, act] of Object.entries(rights)) refusals[name] = await refused(connection, act);
  await connection.close();
  process.stdout.write(JSON.stringify({ answers, events, refusals }));
}

main(process.argv[2]).catch((error) => { console.error(error); process.exit(1); });
