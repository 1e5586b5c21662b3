"use strict";
// The hall without a network: what is typed and what waits to be sent lies in this browser, by conference and person.
// A line is a form as it was filled in, with the key under which it is recorded once, however often it is sent.
(() => {
  const EVERY = 5000; // milliseconds between two looks at what others recorded
  const PATIENCE = 20000; // milliseconds for one answer
  const root = document.getElementById("hall");
  const { conference, person } = root.dataset;
  const words = JSON.parse(root.dataset.words);
  const base = location.pathname.split("/cases/")[0]; // the path under which a proxy shows the console
  const address = `${base}/cases/${conference}/hall`;
  const prefix = `hall/${conference}/${person}/`;
  const show = (name, within = root) => within.querySelector(`[data-show="${name}"]`);
  const list = show("speakers");
  const drafts = new Map();
  let lines = new Map();
  const sent = root.querySelector("input[name=form_token]");
  let now = { version: Number(root.dataset.version), form_token: sent && sent.value, minutes: false, speakers: null };
  let hindrance = navigator.onLine ? "" : "down";
  let isFull = false;
  let isSending = false;
  let inFlight = ""; // the line that is being sent
  let retried = now.version; // the version at which lines that wait for their turn were sent last

  // --- what the browser keeps ---

  function keep(name, value) {
    try {
      localStorage.setItem(prefix + name, JSON.stringify(value));
      isFull = false;
    } catch {
      isFull = true;
    }
  }
  const drop = (name) => localStorage.removeItem(prefix + name);
  function kept(kind) {
    const found = [];
    for (let n = 0; n < localStorage.length; n++) {
      const name = localStorage.key(n);
      if (name.startsWith(`${prefix}${kind}/`)) {
        found.push([name.slice(prefix.length + kind.length + 1), JSON.parse(localStorage.getItem(name))]);
      }
    }
    return found;
  }
  function readLines() {
    const read = kept("line").sort(([, a], [, b]) => a.at - b.at);
    if (!isFull) lines = new Map(read);
  }
  function keepLine(line) {
    lines.set(line.id, line);
    lines = new Map([...lines].sort(([, a], [, b]) => a.at - b.at));
    keep(`line/${line.id}`, line);
  }
  function dropLine(line) {
    lines.delete(line.id);
    drop(`line/${line.id}`);
  }
  function keepDraft(place, fields) {
    drafts.set(place, fields);
    keep(`draft/${place}`, fields);
  }
  function dropDraft(place) {
    drafts.delete(place);
    drop(`draft/${place}`);
  }
  // The browser's randomUUID is for pages behind TLS alone.
  const token = () => [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");

  // --- forms ---

  const conductOf = (item) => item.querySelector("form[data-form=conduct]");
  const fieldsOf = (form) => {
    const fields = Object.fromEntries(new FormData(form));
    delete fields.key;
    delete fields.form_token; // that of the session in which it is sent
    return fields;
  };
  // Where a form stands: the draft and the line of one place belong together.
  const placeOf = (form) => (form.dataset.form === "conduct" ? form.closest("li").dataset.place : form.dataset.form);
  const lineAt = (place) => [...lines.values()].find((line) => line.place === place);
  const titleOf = (petition) => {
    const known = (now.petitions || []).find((each) => each.id === petition);
    return (known && known.title) || petition;
  };
  function fill(form, fields) {
    for (const [name, value] of Object.entries(fields)) {
      const input = form.elements[name];
      if (!input || ["kind", "key", "on", "version"].includes(name)) continue;
      if (input.tagName === "SELECT" && value && ![...input.options].some((option) => option.value === value)) {
        input.add(new Option(titleOf(value), value));
      }
      input.value = value;
    }
  }
  // The lines of those who wait offer their own petition alone, until they are opened: the page would be too large.
  function offerAll(form) {
    const input = form.elements.petition;
    const offered = new Set([...input.options].map((option) => option.value));
    for (const option of show("template").content.querySelectorAll("select[name=petition] option")) {
      if (!offered.has(option.value)) input.add(new Option(option.textContent, option.value));
    }
  }
  function tell(form, field, said) {
    for (const why of form.querySelectorAll("[data-why]")) {
      const isHere = Boolean(said) && why.dataset.why === field;
      why.hidden = !isHere;
      why.textContent = isHere ? said : "";
      if (why.dataset.why) why.parentElement.classList.toggle("wrong", isHere);
    }
  }

  // --- the list of speakers ---

  const items = () => [...list.children];
  const itemAt = (place) => items().find((item) => item.dataset.place === place);
  let made = 0;
  function addItem(place, number, title, petition) {
    const item = show("template").content.firstElementChild.cloneNode(true);
    made += 1;
    for (const each of item.querySelectorAll("[id], [for]")) {
      for (const name of ["id", "for", "aria-describedby"]) {
        if (each.hasAttribute(name)) each.setAttribute(name, each.getAttribute(name).replace("new-", `new${made}-`));
      }
    }
    item.dataset.place = place;
    nameItem(item, number, title, petition);
    list.append(item);
    return item;
  }
  function nameItem(item, number, title, petition) {
    item.dataset.number = number;
    show("number", item).textContent = number;
    show("title", item).textContent = title;
    fill(conductOf(item), petition ? { speaker: number, petition } : { speaker: number });
  }
  // Somebody whose slip is not sent yet stands in the list all the same, and may be heard.
  function slipItem(line) {
    const place = `slip:${line.id}`;
    const item = itemAt(place) || addItem(place, line.fields.speaker, "", "");
    nameItem(item, line.fields.speaker, line.fields.subject, "");
    show("name", item).textContent = line.fields.name;
    let form = item.querySelector("form[data-form=slip]");
    if (line.status === "refused" && !form) {
      form = document.querySelector("form[data-form=slip]:not(li form)").cloneNode(true);
      for (const each of form.querySelectorAll("[id], [for]")) {
        for (const name of ["id", "for", "aria-describedby"]) {
          if (each.hasAttribute(name)) each.setAttribute(name, `${line.id}-${each.getAttribute(name)}`);
        }
        each.removeAttribute("accesskey");
      }
      form.dataset.line = line.id;
      item.querySelector("details").prepend(form);
      item.querySelector("details").open = true;
      fill(form, line.fields);
    }
    if (form) {
      form.hidden = line.status !== "refused";
      tell(form, line.field, line.status === "refused" ? line.why : "");
    }
  }
  // What others changed of the agenda, and the titles of petitions that were chosen before they were known.
  function renderAgenda() {
    for (const { id, said, title } of now.petitions || []) {
      const shown = root.querySelector(`[data-petition="${id}"]`);
      if (shown) shown.textContent = said;
      for (const option of root.querySelectorAll(`select[name=petition] option[value="${id}"]`)) {
        if (title) option.textContent = title;
      }
    }
  }
  function render() {
    renderAgenda();
    for (const speaker of now.speakers || []) {
      const place = `number:${speaker.number}`;
      const item = itemAt(place) || addItem(place, speaker.number, speaker.title, speaker.petition);
      item.toggleAttribute("data-called", speaker.called);
      show("state", item).textContent = speaker.state;
      if (speaker.title) show("title", item).textContent = speaker.title;
    }
    const slips = [...lines.values()].filter((line) => line.fields.kind === "slip");
    slips.forEach(slipItem);
    for (const item of items()) {
      const [kind, id] = item.dataset.place.split(":");
      if (kind === "slip" && !lines.has(id)) item.remove();
    }
    inOrder([...(now.speakers || []).map((speaker) => `number:${speaker.number}`), ...slips.map((line) => `slip:${line.id}`)]);
    const nobody = show("nobody");
    if (nobody) nobody.hidden = items().length > 0;
    let turn = null;
    for (const item of items()) turn = renderItem(item, turn);
    const minutes = lineAt("minutes");
    const form = root.querySelector("form[data-form=minutes]");
    if (form) {
      form.hidden = now.minutes || Boolean(minutes && minutes.status === "unsent");
      renderRefused(form, minutes);
    }
    const badge = show("minutes");
    badge.hidden = !now.minutes && !minutes;
    badge.textContent = now.minutes ? words.adopted : minutes ? words[minutes.status] : "";
    renumber();
    renderLink();
  }
  // As intake has them; what somebody is typing in is not moved, since it would lose the focus.
  function inOrder(places) {
    const wanted = places.map(itemAt);
    for (let n = 1; n < wanted.length; n++) {
      const [before, after] = [wanted[n - 1], wanted[n]];
      if (!(before.compareDocumentPosition(after) & Node.DOCUMENT_POSITION_PRECEDING)) continue;
      if (after.matches(":focus-within")) after.before(before);
      else before.after(after);
    }
  }
  function renderItem(item, turn) {
    const { place } = item.dataset;
    const line = lineAt(place);
    const isCalled = item.hasAttribute("data-called");
    const isTurn = !turn && !isCalled && !line;
    const slip = lines.get(place.replace(/^slip:/, ""));
    const form = conductOf(item);
    const status = line ? line.status : isCalled ? "sent" : slip ? slip.status : isTurn ? "turn" : "later";
    const badge = show("status", item);
    const isNews = item.dataset.status !== status || item.classList.contains("turn") !== isTurn;
    badge.textContent = slip && isTurn ? `${words[status]}, ${words.turn}` : words[status];
    const looks = { sent: "met", refused: "breached", turn: "due_soon", unsent: "due_soon" };
    badge.className = `badge ${looks[status] || "neutral"}`;
    item.dataset.status = status;
    item.classList.toggle("turn", isTurn);
    if (form) {
      const isOpen = line ? line.status !== "unsent" : !isCalled || drafts.has(place);
      if (isOpen && form.hidden && line) fill(form, line.fields);
      form.hidden = !isOpen;
      renderRefused(form, line);
      const input = form.elements.words;
      if (isTurn) input.accessKey = "n";
      else input.removeAttribute("accesskey");
      const reason = form.querySelector("[data-field=chair_reason]");
      reason.hidden = (isTurn || (!turn && !isCalled)) && !(line && line.field === "chair_reason");
      if (isNews) item.querySelector("details").open = isTurn || status === "refused" || status === "waits";
    }
    show("back", item).hidden = !canGoBack(line || slip);
    const theirs = show("theirs", item);
    theirs.hidden = !(line && line.theirs);
    if (!theirs.hidden) {
      theirs.replaceChildren(paragraph(`${words.theirs} (${line.theirs.person}): ${line.theirs.words}`), paragraph(words.mine));
      const move = document.createElement("button");
      move.type = "button";
      move.className = "plain";
      move.dataset.move = line.id;
      move.textContent = words.to_minutes;
      theirs.append(move);
    }
    return turn || (isTurn ? item : null);
  }
  // What was sent once may be recorded, whether its answer came or not. A speaker is called once all the same; a slip
  // that is sent twice would be two.
  const canGoBack = (line) =>
    Boolean(line) && line.id !== inFlight && (line.status !== "unsent" || !line.isTried || line.fields.kind !== "slip");
  function renderRefused(form, line) {
    const isWrong = Boolean(line) && line.status !== "unsent";
    if (line) form.dataset.line = line.id;
    else delete form.dataset.line;
    tell(form, line ? line.field : "", isWrong ? line.why : "");
  }
  function renderLink() {
    const link = show("link");
    const count = lines.size;
    const said = [hindrance ? words[hindrance] || hindrance : words.up, count ? `${words.some} ${count}.` : words.none];
    if (isFull) said.push(words.full);
    link.replaceChildren(paragraph(said.join(" ")));
    link.className = `notice ${hindrance || isFull ? "warn" : count ? "" : "good"}`;
    if (hindrance === "signed_out") {
      const sign = document.createElement("a");
      sign.href = `${base}/office/login?to=${encodeURIComponent("/")}`;
      sign.target = "_blank";
      sign.textContent = words.sign_in;
      link.lastChild.append(" ", sign);
    }
    link.hidden = false;
    root.dataset.unsent = count;
    root.dataset.hindrance = hindrance;
  }
  function paragraph(text) {
    const made = document.createElement("p");
    made.textContent = text;
    return made;
  }
  const isPressing = (element) => element && ["INPUT", "TEXTAREA", "SELECT"].includes(element.tagName);
  function goOn() {
    const next = items().find((item) => item.classList.contains("turn"));
    if (next) conductOf(next).elements.words.focus();
  }

  // --- sending ---

  async function ask(path, form) {
    const gaveUp = new AbortController();
    const timer = setTimeout(() => gaveUp.abort(), PATIENCE);
    try {
      const answer = await fetch(path, {
        method: form ? "POST" : "GET",
        body: form,
        headers: { Accept: "application/json" },
        redirect: "error",
        signal: gaveUp.signal,
      });
      return [answer.status, await answer.json()];
    } catch {
      return [0, null]; // no network, or nobody of ours
    } finally {
      clearTimeout(timer);
    }
  }
  function hinderedBy(status, answer) {
    if (status === 401) return "signed_out";
    if (status === 0 || status >= 500 || status === 408 || status === 429) return "down";
    const code = answer.type || "";
    if (status === 403 || code.endsWith(":another-person") || code.endsWith(":post-not-chosen")) return answer.detail;
    return code.endsWith(":contended") ? "down" : "";
  }
  async function send() {
    if (isSending) return;
    isSending = true;
    try {
      const tried = new Set();
      for (let line = nextLine(tried); line; line = nextLine(tried)) {
        tried.add(line.key);
        if (!navigator.onLine) {
          hindrance = "down";
          break;
        }
        line.isTried = true;
        inFlight = line.id;
        keepLine(line);
        const body = new URLSearchParams({ ...line.fields, key: line.key, person, form_token: now.form_token || "" });
        const [status, answer] = await ask(address, body);
        inFlight = "";
        hindrance = hinderedBy(status, answer);
        if (hindrance) break;
        if (status === 200) {
          wasRecorded(line, answer);
          tried.clear(); // what waited for it may go now
        } else {
          wasRefused(line, answer);
        }
        render();
      }
    } finally {
      isSending = false;
      render();
    }
  }
  // In their order; what was refused stops nothing but what is about the same slip.
  function nextLine(tried) {
    readLines();
    const isNext = (line) => line.status === "unsent" && !tried.has(line.key) && !lines.has(line.after);
    return [...lines.values()].find(isNext);
  }
  function wasRecorded(line, answer) {
    dropLine(line);
    if (answer.version) now.version = Math.max(now.version, answer.version);
    for (const other of [...lines.values()]) {
      // What rested on the same state rests on this line too, unless others came between.
      if (!answer.anew && answer.version && other.fields.version === line.fields.version) {
        other.fields.version = String(answer.version);
      }
      if (other.after === line.id) {
        Object.assign(other.fields, { speaker: line.fields.speaker, petition: other.fields.petition || answer.petition });
        Object.assign(other, { after: "", place: `number:${line.fields.speaker}` });
      }
      if (other.status === "waits") other.status = "unsent";
      keepLine(other);
    }
    if (line.fields.kind === "slip") {
      const place = `slip:${line.id}`;
      const item = itemAt(place);
      const draft = drafts.get(place);
      if (draft) {
        dropDraft(place);
        keepDraft(`number:${line.fields.speaker}`, { ...draft, speaker: line.fields.speaker, petition: answer.petition });
      }
      if (item) {
        // A look at the conference may have brought the speaker while the answer was lost.
        const twin = itemAt(`number:${line.fields.speaker}`);
        if (twin) twin.remove();
        item.dataset.place = `number:${line.fields.speaker}`;
        nameItem(item, line.fields.speaker, line.fields.subject, answer.petition);
        for (const form of item.querySelectorAll("form[data-form=slip]")) form.remove();
      }
    } else if (line.fields.kind === "conduct") {
      const item = itemAt(line.place);
      if (item) item.setAttribute("data-called", "");
      // What was seen of the conference before must not take the turn back, and the focus with it.
      const speaker = (now.speakers || []).find((each) => each.number === line.fields.speaker);
      if (speaker) speaker.called = true;
    } else {
      now.minutes = true;
    }
  }
  function wasRefused(line, answer) {
    const code = answer.type.replace(/.*:/, "");
    line.isTried = false;
    if (code === "speaker-already-registered" && line.isNumbered) {
      // The number was ours to choose and another took it: the next one, which is another content. Slips behind it
      // that were not sent yet follow in turn.
      const taken = (now.speakers || []).map((speaker) => Number(speaker.number) || 0);
      let next = Math.max(...taken, Number(line.fields.speaker));
      const behind = [...lines.values()].filter((each) => each.at > line.at && each.isNumbered && !each.isTried);
      for (const each of [line, ...behind]) {
        next += 1;
        each.fields.speaker = String(next);
        each.key = token();
        keepLine(each);
      }
    } else {
      const waits = code === "speaker-out-of-order";
      Object.assign(line, {
        status: waits ? "waits" : "refused",
        why: answer.detail || answer.title,
        field: answer.field || "",
        theirs: answer.theirs || null,
      });
    }
    keepLine(line);
  }
  // A longer one is a telephone's, or another's that nobody counts on from.
  const numbers = () => [0, ...items().map((item) => (/^\d{1,4}$/.test(item.dataset.number) ? Number(item.dataset.number) : 0))];

  async function look() {
    const [status, answer] = await ask(`${address}/now`);
    const before = hindrance;
    hindrance = hinderedBy(status, answer || {});
    if (!hindrance && status !== 200) hindrance = answer.detail || "down";
    if (!hindrance && answer.person !== person) hindrance = "signed_out";
    if (!hindrance) {
      // An answer that was on its way when a line was recorded is older than what is known here.
      const isOld = answer.version < now.version;
      now = isOld ? { ...now, form_token: answer.form_token, today: answer.today } : answer;
      for (const input of root.querySelectorAll("input[name=version]")) input.value = now.version;
      for (const input of root.querySelectorAll("input[name=on]")) input.value = now.today;
      if (now.version > retried) {
        retried = now.version;
        for (const line of [...lines.values()].filter((each) => each.status === "waits")) {
          line.status = "unsent";
          keepLine(line);
        }
      }
    }
    if (before !== hindrance || !hindrance) render();
    if (!hindrance) await nameSpeakers();
    if (!hindrance && lines.size) await send();
  }

  // Whom others registered comes without a name, which is opened once for all of them.
  let named = now.version;
  async function nameSpeakers() {
    const nameless = items().filter((item) => item.dataset.place.startsWith("number:") && !show("name", item).textContent);
    if (!nameless.length || named === now.version) return;
    named = now.version;
    const [status, answer] = await ask(`${address}/told`);
    if (status !== 200) return;
    for (const { number, name } of answer) {
      const item = itemAt(`number:${number}`);
      if (item) show("name", item).textContent = name;
    }
  }

  // --- what people do ---

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!root.contains(form)) {
      if (form.action.includes("/office/logout") && (lines.size || drafts.size) && !confirm(words.sign_out)) event.preventDefault();
      return;
    }
    event.preventDefault();
    const place = placeOf(form);
    const before = lines.get(form.dataset.line);
    // A line that is on its way, or was recorded, is not taken again; nor is a slip in which nothing is written.
    if (before && before.status === "unsent") return;
    if (form.dataset.form === "conduct" && !before && form.closest("li").hasAttribute("data-called") && !drafts.has(place)) return;
    if (form.dataset.form === "slip" && !["name", "text", "subject"].some((name) => form.elements[name].value.trim())) {
      form.elements.name.focus();
      return;
    }
    const line = before || { id: token(), at: Math.max(Date.now(), ...[...lines.values()].map((each) => each.at + 1)) };
    const isSlip = form.dataset.form === "slip";
    const [kind, id] = place.split(":");
    Object.assign(line, {
      place: isSlip ? "" : place,
      after: kind === "slip" && !isSlip ? id : "",
      // What is sent again after a refusal is another content, and has another key.
      key: token(),
      fields: fieldsOf(form),
      status: "unsent",
      why: "",
      field: "",
      theirs: null,
    });
    if (isSlip) line.isNumbered = !before && form.elements.speaker.value === form.elements.speaker.defaultValue;
    keepLine(line);
    if (!before) dropDraft(place);
    if (isSlip && !before) form.reset();
    render();
    if (isSlip) renumber();
    goOn();
    send();
  });
  // A line that is taken back is a draft again; a slip goes back into its form, where that is free.
  function goBack(item) {
    const { place } = item.dataset;
    const line = lineAt(place);
    if (line) {
      if (!canGoBack(line)) return;
      dropLine(line);
      keepDraft(place, line.fields);
      render();
      fill(conductOf(item), line.fields);
      item.querySelector("details").open = true;
      conductOf(item).elements.words.focus();
      return;
    }
    const slip = lines.get(place.replace(/^slip:/, ""));
    if (!canGoBack(slip)) return;
    const form = document.querySelector("form[data-form=slip]:not(li form)");
    const isFree = !drafts.has("slip") && !drafts.has(place);
    if (!isFree && !confirm(words.drop)) return;
    dropLine(slip);
    dropDraft(place);
    if (isFree) {
      fill(form, slip.fields);
      keepDraft("slip", fieldsOf(form));
    }
    render();
    form.elements.name.focus();
  }
  // Those that are recorded and not in the minutes yet, in the order of the list.
  async function fillMinutes(form) {
    const [status, answer] = await ask(`${address}/told`);
    if (status !== 200) return;
    const input = form.elements.minutes;
    const starts = new Set(input.value.split("\n").map((text) => text.split(". ")[0]));
    const added = answer.filter((each) => each.minutes && !starts.has(each.number)).map((each) => each.minutes);
    if (added.length) {
      input.value = [input.value.trim(), ...added].filter(Boolean).join("\n\n");
      keepDraft("minutes", fieldsOf(form));
    }
    input.focus();
  }
  function renumber() {
    const input = document.querySelector("form[data-form=slip]:not(li form)").elements.speaker;
    const next = String(Math.max(...numbers()) + 1);
    if (input.value === input.defaultValue) input.value = next;
    input.defaultValue = next;
  }
  // It does not bubble.
  list.addEventListener(
    "toggle",
    (event) => {
      const item = event.target.closest("li");
      const form = event.target.open && item && conductOf(item);
      if (form) offerAll(form);
    },
    true,
  );
  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (!form || !root.contains(form)) return;
    if (form.dataset.line && lines.has(form.dataset.line)) {
      const line = lines.get(form.dataset.line);
      // What is being corrected is kept with its line, which is not sent before it is said so.
      keepLine({ ...line, fields: { ...line.fields, ...fieldsOf(form) }, status: "refused" });
    } else {
      keepDraft(placeOf(form), fieldsOf(form));
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && isPressing(event.target) && event.target.form) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
    // Browsers disagree on what goes with an access key, and some letters of Vietnamese are typed with Alt.
    const letter = event.altKey && !event.ctrlKey && /^Key[A-Z]$/.test(event.code) && event.code.slice(3).toLowerCase();
    const input = letter && root.querySelector(`form:not([hidden]) [accesskey="${letter}"]`);
    if (input) {
      event.preventDefault();
      input.focus();
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.matches("[data-back]")) goBack(event.target.closest("li"));
    if (event.target.matches("[data-fill-minutes]")) fillMinutes(event.target.form);
    const line = lines.get(event.target.dataset && event.target.dataset.move);
    if (!line) return;
    const minutes = root.querySelector("form[data-form=minutes]");
    if (!minutes) return;
    const { speaker, words: said, answer } = line.fields;
    const added = [`${speaker}. ${said}`, answer].filter(Boolean).join("\n");
    const input = minutes.elements.minutes;
    input.value = [input.value, added].filter(Boolean).join("\n\n");
    keepDraft("minutes", fieldsOf(minutes));
    dropLine(line);
    render();
    input.focus();
  });
  addEventListener("beforeunload", (event) => {
    if (hindrance === "down" && (lines.size || drafts.size)) event.preventDefault();
  });
  addEventListener("online", look);
  addEventListener("offline", () => {
    hindrance = "down";
    render();
  });
  addEventListener("storage", () => {
    readLines();
    render();
  });
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());
  setInterval(() => {
    if (document.visibilityState === "visible") look();
    else if (lines.size) send();
  }, EVERY);

  // --- as the page opens ---

  for (const item of items()) item.dataset.place = `number:${item.dataset.number}`;
  readLines();
  render();
  for (const [place, fields] of kept("draft")) {
    drafts.set(place, fields);
    const form = place.includes(":")
      ? itemAt(place) && conductOf(itemAt(place))
      : root.querySelector(`form[data-form=${place}]`);
    if (form) fill(form, fields);
  }
  for (const line of lines.values()) {
    const form = line.place && itemAt(line.place) && conductOf(itemAt(line.place));
    if (form) fill(form, line.fields);
    if (line.place === "minutes") fill(root.querySelector("form[data-form=minutes]"), line.fields);
  }
  show("kept").hidden = false;
  for (const each of root.querySelectorAll("[data-fill-minutes]")) each.hidden = false;
  renumber();
  render();
  look();
})();
