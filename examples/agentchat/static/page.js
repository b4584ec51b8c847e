"use strict";

const people = [["ada", "alpha"], ["ben", "beta"], ["cleo", "alpha"]];

function detail(event) {
  const p = event.payload ?? {};
  if (p.error) return p.error;
  if (p.reasoning) return p.reasoning;
  if (p.tool_name) return `${p.tool_name} ${p.parameters ? JSON.stringify(p.parameters) : JSON.stringify(p.result?.output ?? "")}`.slice(0, 200);
  return p.result?.answer ?? p.text ?? p.context?.task ?? p.message ?? "";
}

function element(name, text = "", kind = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function button(text, press) {
  const made = element("button", text);
  made.type = "button";
  made.onclick = async () => { made.disabled = true; await press(made); };
  return made;
}

async function fetchBody(href, user, made) {
  try {
    const answer = await fetch(`${href}?${new URLSearchParams({ user })}`);
    if (!answer.ok) throw new Error((await answer.json()).error);
    const pre = element("pre", JSON.stringify(await answer.json(), null, 2).slice(0, 20_000));
    pre.tabIndex = 0;
    made.replaceWith(pre);
  } catch (error) {
    made.after(element("small", `could not be fetched: ${error.message}`));
    made.disabled = false;
  }
}

// A notice: what failed, what happens next, and what the user can do where that makes sense.
function notice(event, user, retry) {
  const { title, detail: text, retryable, action, code } = event.error;
  const item = element("li", "", "notice");
  const known = element("small", event.durable === false ? `${code}, shown once` : code, "code");
  item.append(element("span"), element("b", title), element("small", text), known);
  if (retryable && action === "retry") item.append(button("Ask again", retry));
  return item;
}

function show(list, event, user, retry) {
  const late = event.failloud;
  let item;
  if (event.type === "error" && event.error) item = notice(event, user, retry);
  else {
    item = element("li", "", /error|fail|lost|dropped/.test(event.type) ? "error" : String(event.type).split("_").pop());
    item.append(
      element("span", event.agent_name ?? ""),
      element("b", String(event.type).replaceAll("_", " ")),
      element("small", detail(event)),
    );
    if (late?.missed) item.children[1].append(" ", element("i", "late", "late"));
    if (late?.href) item.append(button(`Show it (${Math.ceil(late.size / 1024)} KB)`, (made) => fetchBody(late.href, user, made)));
  }
  item.dataset.type = event.type;
  item.dataset.run = event.run_id ?? "";
  list.append(item);
  list.scrollTop = list.scrollHeight;
}

function addPane() {
  const panes = document.getElementById("panes");
  const pane = document.getElementById("pane").content.cloneNode(true).firstElementChild;
  const [who, ask] = pane.querySelectorAll("form");
  const timeline = pane.querySelector(".timeline");
  const status = pane.querySelector(".status");
  const [user, thread] = people[panes.children.length % people.length];
  const seen = new Set();
  let socket = null;
  who.user.value = user;
  who.thread.value = thread;

  const say = (text, kind = "") => { status.textContent = text; status.className = `status ${kind}`; };

  who.addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    socket?.close();
    const query = new URLSearchParams({ user: who.user.value, thread: who.thread.value });
    const mine = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws?${query}`);
    socket = mine;
    timeline.replaceChildren();
    seen.clear();
    mine.onmessage = ({ data }) => {
      const event = JSON.parse(data);
      const id = event.failloud?.id;
      if (event.type === "connected") say("connected", "good");
      else if (!id || !seen.has(id)) show(timeline, event, who.user.value, () => ask.requestSubmit());
      if (id) seen.add(id); // what was kept may come twice, with the same id
    };
    mine.onclose = () => { if (socket === mine) say("not connected"); };
  });

  ask.addEventListener("submit", async (submitted) => {
    submitted.preventDefault();
    const body = JSON.stringify({ user: who.user.value, thread: who.thread.value, message: ask.message.value });
    try {
      const { run_id } = await (await fetch("/runs", { method: "POST", body })).json();
      say("working");
      let run;
      do {
        await new Promise((wake) => setTimeout(wake, 200));
        run = await (await fetch(`/runs/${run_id}`)).json();
      } while (run.status === "running");
      if (run.error) say(`${run.status}: ${run.error}`, "bad");
      else say(run.status, "good");
    } catch (error) {
      say(`no answer from the server: ${error.message}`, "bad");
    }
  });

  panes.append(pane);
  who.requestSubmit();
}

async function showFaults() {
  const faults = await (await fetch("/faults")).json();
  const rows = faults.map((fault) => {
    const row = document.createElement("li");
    const label = document.createElement("button");
    const text = document.createElement("small");
    label.type = "button";
    label.textContent = `${fault.category} ${fault.name}${fault.active ? " (on)" : ""}`;
    label.onclick = async () => { await fetch(`/faults/${fault.name}`, { method: "POST" }); await showFaults(); };
    text.textContent = fault.text;
    row.append(label, text);
    return row;
  });
  document.getElementById("faults").replaceChildren(...rows);
  document.getElementById("active").textContent = faults.filter((f) => f.active).map((f) => f.name).join(", ");
}

document.getElementById("add").onclick = addPane;
document.getElementById("clear").onclick = async () => { await fetch("/faults", { method: "DELETE" }); await showFaults(); };
addPane();
addPane();
showFaults();
