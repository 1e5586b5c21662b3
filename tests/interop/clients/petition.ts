// One petition from its receipt to its end, and what followup says of it, by openapi-fetch over the types that
// openapi-typescript wrote. Reads a JSON with addresses and tokens from its first argument, writes case and deadlines.
import createClient from "openapi-fetch";
import type { paths as Intake } from "./intake.js";
import type { paths as Followup } from "./followup.js";

declare const process: { argv: string[] };

interface Given {
  intake: string; followup: string; office: string; system: string; reader: string; source: string; conference: string;
}
const given = JSON.parse(process.argv[2] ?? "{}") as Given;
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const office = createClient<Intake>({ baseUrl: given.intake, headers: bearer(given.office) });
const system = createClient<Intake>({ baseUrl: given.intake, headers: bearer(given.system) });
const reader = createClient<Followup>({ baseUrl: given.followup, headers: bearer(given.reader) });

function must<T>(answer: { data?: T; error?: { type: string; detail?: string } }): T {
  if (answer.data === undefined) throw new Error(`${answer.error?.type}: ${answer.error?.detail}`);
  return answer.data;
}

const received = must(await system.POST("/v1/petitions", {
  params: { header: { "Idempotency-Key": "ts-1" } },
  body: {
    jurisdiction: "H35.10.31", text: "Đường vào bản bị sạt lở.", identities: { "1": { name: "Lò Văn A" } },
    external_id: "LC-TS-1",
  },
}));
const path = { target: received.id };
must(await office.POST("/v1/petitions/{target}/classification", {
  params: { path, header: { "If-Match": '"1"' } }, body: { subject: "Đường vào bản", field: "transport" },
}));
must(await office.POST("/v1/petitions/{target}/raising", {
  params: { path }, body: { conference_id: given.conference },
}));
must(await office.POST("/v1/conferences/{target}/closing", { params: { path: { target: given.conference } }, body: {} }));
must(await office.POST("/v1/petitions/{target}/assignment", { params: { path }, body: { agency: "H35.10.4" } }));
must(await office.POST("/v1/petitions/{target}/reply", {
  params: { path }, body: { number: "1/TL", signatory: "Chủ tịch", digest: "9f86d081884c7d65".repeat(4) },
}));
must(await office.POST("/v1/petitions/{target}/result-report", {
  params: { path }, body: { agency: "H35.10.4", result: "resolved", summary: "Đã sửa xong" },
}));
const last = must(await office.POST("/v1/petitions/{target}/closure", { params: { path }, body: {} }));

const reference = { source: given.source, external_id: "LC-TS-2" };
const push = async (source_version: string, text: string) => must(await system.PUT(
  "/v1/petitions/by-reference/{source}/{external_id}",
  { params: { path: reference }, body: { jurisdiction: "H35.10.31", source_version, text } },
));
const results = [await push("1", "Rác."), await push("1", "Rác."), await push("2", "Rác ở chợ.")].map((each) => each.result);
if (results.join() !== "created,unchanged,changed") throw new Error(`pushes were ${results}`);
const day = must(await system.GET("/v1/clock")).today;
const compared = must(await system.GET("/v1/reconciliation", { params: { query: { source: given.source, day } } }));
if (compared.count < 2) throw new Error("the day lacks what was pushed");
const listed = must(await office.GET("/v1/conflicts", { params: { query: { state: "open" } } }));
if (listed.items.length) throw new Error("a conflict waits that nobody pushed");

const petition = must(await system.GET("/v1/petitions/{target}", { params: { path } }));
if (petition.petition.lead !== "H35.10.4") throw new Error("the view of the petition lacks its lead agency");

const caseOf = async () => (await reader.GET("/v1/cases/{subject_id}", { params: { path: { subject_id: received.id } } })).data;
let found = await caseOf();
for (let tries = 0; (found?.last_position ?? 0) < last.position; tries++) {
  if (tries > 300) throw new Error("followup has not read the petition");
  await new Promise((resolve) => setTimeout(resolve, 200));
  found = await caseOf();
}
const owed = must(await reader.GET("/v1/deadlines", { params: { query: { subject_id: received.id } } }));
console.log(JSON.stringify({ state: found?.state, duties: owed.items.map((each) => [each.duty, each.outcome]) }));
