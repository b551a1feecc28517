"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const pairs = data.kind === "pairwise";
  const CHOICES = [["first", "a"], ["tie", "tie"], ["second", "b"]];
  const place = `ecom-llm:${data.study}:${data.rater}:${data.digest.slice(0, 12)}`;
  const at = (id) => document.getElementById(id);
  const state = { answers: {}, name: "", language: "", index: 0 };
  let kept = true;

  // texts go into the page as text and never as HTML
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const say = (name, values = {}) =>
    Object.entries(values).reduce(
      (text, [key, value]) => text.replaceAll(`{${key}}`, value),
      data.words[state.language][name] ?? name
    );

  function load() {
    try {
      Object.assign(state, JSON.parse(localStorage.getItem(place) ?? "{}"));
    } catch {
      kept = false;
    }
    if (!data.words[state.language]) state.language = navigator.language.startsWith("zh") ? "zh" : "en";
    if (!data.tasks[state.index]) state.index = 0;
  }
  function save() {
    try {
      localStorage.setItem(place, JSON.stringify(state));
    } catch {
      kept = false;
    }
  }

  const answerOf = (task) => (state.answers[task.id] ??= { choice: null, ratings: {}, reasons: [], comment: "" });
  const isDone = (task) => {
    const answer = state.answers[task.id];
    if (!answer) return false;
    return pairs ? answer.choice !== null : data.scales.every((scale) => answer.ratings[scale]);
  };
  const openOnes = () => data.tasks.filter((task) => !isDone(task)).length;

  function changed() {
    save();
    showProgress();
    const answer = answerOf(data.tasks[state.index]);
    [...at("texts").children].forEach((card, side) =>
      card.classList.toggle("chosen", pairs && answer.choice === ["first", "second"][side])
    );
  }

  function showProgress() {
    const open = openOnes();
    const all = data.tasks.length;
    at("bar").max = all;
    at("bar").value = all - open;
    at("left").textContent = open ? say("left", { left: open, all }) : say("none_left", { all });
    at("left").classList.toggle("done", open === 0);
    at("open").disabled = open === 0 || (open === 1 && !isDone(data.tasks[state.index]));
    at("note").textContent = say(kept ? "kept" : "not_kept");
  }

  function radios(name, legend, options, chosen, choose, className = "") {
    const row = make("div", { className: "options" });
    for (const [value, label] of options) {
      const input = make("input", { type: "radio", name, value, checked: value === chosen });
      input.addEventListener("change", () => choose(value));
      row.append(make("label", { className: "option" }, input, make("span", { textContent: label })));
    }
    return make("fieldset", { className }, make("legend", { textContent: legend }), row);
  }

  function commentField(answer) {
    const field = make("textarea", { rows: 1, value: answer.comment, id: "comment" });
    field.addEventListener("input", () => {
      answer.comment = field.value;
      save();
    });
    return make("fieldset", {}, make("label", {}, make("span", { textContent: say("comment") }), field));
  }

  function reasonBoxes(answer) {
    const row = make("div", { className: "reasons" });
    for (const reason of data.reasons) {
      const box = make("input", { type: "checkbox", value: reason, checked: answer.reasons.includes(reason) });
      box.addEventListener("change", () => {
        answer.reasons = data.reasons.filter((one) => (one === reason ? box.checked : answer.reasons.includes(one)));
        save();
      });
      row.append(make("label", {}, box, say(`reason_${reason}`)));
    }
    return make("fieldset", {}, make("legend", { textContent: say("reasons") }), row);
  }

  function questions(answer) {
    if (pairs) {
      const options = CHOICES.map(([value, word]) => [value, say(word)]);
      const choose = (value) => {
        answer.choice = value;
        changed();
      };
      return [radios("choice", say("choose"), options, answer.choice, choose), reasonBoxes(answer), commentField(answer)];
    }
    const scales = data.scales.map((scale) => {
      const choose = (value) => {
        answer.ratings[scale] = value;
        changed();
      };
      const options = [1, 2, 3, 4, 5].map((value) => [value, value]);
      const set = radios(scale, say(scale), options, answer.ratings[scale], choose, "scale");
      const ends = [1, 5].map((value) => make("span", { textContent: `${value}: ${say(`${scale}_${value}`)}` }));
      const meaning = make("div", { className: "ends soft", id: `${scale}-meaning` }, ...ends);
      set.setAttribute("aria-describedby", meaning.id);
      set.append(meaning);
      return set;
    });
    return [...scales, commentField(answer)];
  }

  function show(focus = false) {
    const task = data.tasks[state.index];
    const answer = answerOf(task);
    at("skill").textContent = say(task.skill);
    at("place").textContent = say("place", { place: state.index + 1, all: data.tasks.length });
    at("facts").lang = task.locale;
    at("facts").replaceChildren(
      ...Object.entries(task.facts).map(([name, value]) =>
        make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: value }))
      )
    );
    const names = pairs ? ["text_a", "text_b"] : ["text_only"];
    at("texts").replaceChildren(
      ...task.texts.map((text, side) => {
        const said = make("p", { className: "said", lang: task.locale, textContent: text.trim() || say("empty") });
        return make("section", { className: "card" }, make("h2", { textContent: say(names[side]) }), said);
      })
    );
    at("questions").replaceChildren(...questions(answer));
    at("previous").disabled = state.index === 0;
    at("next").disabled = state.index === data.tasks.length - 1;
    changed();
    if (focus) {
      at("place").focus({ preventScroll: true });
      at("task").scrollIntoView({ block: "nearest" });
    }
  }

  function go(index) {
    if (index < 0 || index >= data.tasks.length) return;
    state.index = index;
    show(true);
  }
  function goToOpen() {
    const all = data.tasks.length;
    for (let step = 1; step <= all; step += 1) {
      const index = (state.index + step) % all;
      if (!isDone(data.tasks[index])) return go(index);
    }
    return undefined;
  }

  function translate() {
    document.documentElement.lang = state.language;
    document.title = say(`title_${data.kind}`);
    at("title").textContent = say(`title_${data.kind}`);
    at("intro").textContent = say(`intro_${data.kind}`);
    at("keys").textContent = say(`keys_${data.kind}`);
    for (const element of document.querySelectorAll("[data-word]")) element.textContent = say(element.dataset.word);
    at("language").value = state.language;
    show();
  }

  function download(name, type, body) {
    const link = make("a", { href: URL.createObjectURL(new Blob([body], { type })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    const left = openOnes();
    if (left) at("note").textContent = say("incomplete", { left });
  }
  function asJson() {
    const answers = data.tasks.filter(isDone).map((task) => ({ task: task.id, ...state.answers[task.id] }));
    const head = { study: data.study, rater: data.rater, digest: data.digest, name: state.name };
    return JSON.stringify({ ...head, answers }, null, 1);
  }
  function asCsv() {
    const quoted = (value) => `"${String(value ?? "").replaceAll('"', '""')}"`;
    const lines = data.rows.map((row, index) => {
      const task = data.tasks[index];
      const answer = answerOf(task);
      const choice = { first: "A", second: "B", tie: "tie" }[answer.choice];
      // as on the server: what begins like a formula must not become one
      const comment = /^[=+\-@\t\r]/.test(answer.comment) ? `'${answer.comment}` : answer.comment;
      const filled = { ...row, choice, ...answer.ratings, comment };
      return data.columns.map((column) => quoted(filled[column])).join(",");
    });
    return `\uFEFF${[data.columns.join(","), ...lines].join("\r\n")}\r\n`;
  }

  const file = (kind) => `answers-${data.study}-rater-${data.rater}.${kind}`;
  at("download").addEventListener("click", () => download(file("json"), "application/json", asJson()));
  at("download-csv").addEventListener("click", () => download(file("csv"), "text/csv;charset=utf-8", asCsv()));
  at("previous").addEventListener("click", () => go(state.index - 1));
  at("open").addEventListener("click", goToOpen);
  at("task").addEventListener("submit", (event) => {
    event.preventDefault();
    go(state.index + 1);
  });
  at("language").addEventListener("change", () => {
    state.language = at("language").value;
    translate();
  });
  at("name").addEventListener("input", () => {
    state.name = at("name").value;
    save();
  });
  document.addEventListener("keydown", (event) => {
    const busy = event.target.matches("textarea, input[type=text], select");
    if (busy || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (event.key === "Enter" && !event.target.matches("button")) {
      event.preventDefault();
      go(state.index + 1);
    } else if (pairs && ["a", "t", "b"].includes(key)) {
      const value = { a: "first", t: "tie", b: "second" }[key];
      document.querySelector(`input[name=choice][value=${value}]`).click();
    } else if (!pairs && ["1", "2", "3", "4", "5"].includes(key)) {
      const answer = answerOf(data.tasks[state.index]);
      const scale = data.scales.find((one) => !answer.ratings[one]);
      if (scale) document.querySelector(`input[name=${scale}][value="${key}"]`).click();
    }
  });

  load();
  at("name").value = state.name;
  translate();
})();
