// Receives followup's webhooks: consents once, verifies each signature, and takes each event once. No packages.
//
//   WEBHOOK_SECRET=whsec_... node webhook.mjs 9000
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const key = () => Buffer.from((process.env.WEBHOOK_SECRET ?? "").replace(/^whsec_/, ""), "base64");
const taken = new Set(); // keep these ids in your database, in the transaction that does the work

function isOurs(headers, body) {
  const { "webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": given = "" } = headers;
  if (!(Math.abs(Date.now() / 1000 - Number(stamp)) < 300)) return false; // an old request that somebody kept
  const wanted = createHmac("sha256", key()).update(`${id}.${stamp}.`).update(body).digest();
  return given.split(" ").some((each) => {
    const found = Buffer.from(each.replace(/^v1,/, ""), "base64");
    return found.length === wanted.length && timingSafeEqual(found, wanted);
  });
}

const server = createServer((request, response) => {
  if (request.method === "OPTIONS") {
    response.writeHead(200, { "WebHook-Allowed-Origin": request.headers["webhook-request-origin"] ?? "" }).end();
    return;
  }
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    const body = Buffer.concat(pieces);
    if (!isOurs(request.headers, body)) return response.writeHead(401).end();
    const event = JSON.parse(body);
    if (!taken.has(event.id)) {
      taken.add(event.id);
      console.log(JSON.stringify({ id: event.id, type: event.type, reference: event.externalid ?? null }));
    }
    response.writeHead(204).end(); // only now: what is not answered with 2xx comes again
  });
});
server.listen(Number(process.argv[2] ?? 9000), "127.0.0.1", () => console.log(`listening ${server.address().port}`));
