"use strict";

const people = [["ada", "alpha"], ["ben", "beta"], ["cleo", "alpha"]];

function detail(event) {
  const p = event.payload ?? {};
  if (p.error) return p.error;
  if (p.reasoning) return p.reasoning;
  if (p.tool_name) return `${p.tool_name} ${p.parameters ? JSON.stringify(p.parameters) : JSON.stringify(p.result?.output ?? "")}`.slice(0, 200);
  return p.result?.answer ?? p.text ?? p.context?.task ?? p.message ?? "";
}

function show(list, event) {
  const item = document.createElement("li");
  const who = document.createElement("span");
  const what = document.createElement("b");
  const more = document.createElement("small");
  who.textContent = event.agent_name ?? "";
  what.textContent = String(event.type).replaceAll("_", " ");
  more.textContent = detail(event);
  item.className = /error|fail|lost|dropped/.test(event.type) ? "error" : String(event.type).split("_").pop();
  item.dataset.type = event.type;
  item.dataset.run = event.run_id ?? "";
  item.append(who, what, more);
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
    mine.onmessage = ({ data }) => {
      const event = JSON.parse(data);
      if (event.type === "connected") say("connected", "good");
      else show(timeline, event);
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
