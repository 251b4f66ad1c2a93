/// What moves the page. File names and the like reach it as data alone, and the page as text alone.
///
/// State is in the address (`#threshold=0.02&page=3&view=overlay`), so that what is looked at can be
/// passed on.
let reportScript = #"""
  "use strict";
  const byId = id => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const columns = ["p-value", "nats", "bits/dim", ...data.scores];
  const images = data.rows.map(([path, numbers, parts, link, tile, large, boxes = []], place) =>
    ({ path: shown(path), numbers, parts, link, tile, large, boxes, place, p: numbers[0] }));
  const state = { threshold: data.threshold, page: 1, view: "image", sort: 0, low: false, only: false,
    find: "", open: 0 };
  const initial = { ...state };
  const least = data.counts.length ? data.counts[0][0] : 1;
  let order = images;
  let current = 0;  // The place of the card that Tab leads to, in the order.

  // Text ---------------------------------------------------------------------------------------------

  function shown(text) {
    return text.replace(/[\x00-\x1f\x7f]/g, c =>
      String.fromCharCode(c === "\x7f" ? 0x2421 : 0x2400 + c.charCodeAt()));
  }

  function number(value) {
    if (value === null) return "–";
    if (!isFinite(value)) return value > 0 ? "∞" : "−∞";
    const digits = Math.abs(value) >= 1000 && Math.abs(value) < 1e7
      ? value.toFixed(0) : String(Number(value.toPrecision(4)));
    return digits.replace("-", "−");
  }

  /// The ends of a name, which tell it from others.
  function shortened(name) {
    const characters = [...name];
    return characters.length <= 15 ? name
      : characters.slice(0, 4).join("") + "…" + characters.slice(-10).join("");
  }

  const whole = count => count.toLocaleString("en");
  const counted = (count, word) => `${whole(count)} ${word}${count === 1 ? "" : "s"}`;

  function element(name, properties = {}, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  \#(pictureScript)

  // The gallery --------------------------------------------------------------------------------------

  const flagged = image => image.p !== null && image.p <= state.threshold;
  const pages = () => Math.max(1, Math.ceil(order.length / data.page));
  const flaggedCount = () =>
    data.counts.reduce((sum, [p, count]) => sum + (p <= state.threshold ? count : 0), 0);

  function arrange() {
    const find = state.find.toLowerCase();
    order = images.filter(image =>
      (!state.only || flagged(image)) && (!find || image.path.toLowerCase().includes(find)));
    if (state.sort > 0) {
      const direction = state.low ? 1 : -1;
      const key = image => image.numbers[state.sort] === null ? Infinity
        : direction * image.numbers[state.sort];
      // Flagged ones stay first.
      order.sort((a, b) => flagged(b) - flagged(a) || key(a) - key(b) || a.place - b.place);
    } else if (state.low) {
      order.reverse();
    }
    state.page = Math.min(Math.max(1, state.page), pages());
  }

  function card(image, index) {
    const isFlagged = flagged(image);
    const name = image.path.split("/").pop();
    const canvas = image.tile ? element("canvas", { width: 1, height: 1 })
      : element("span", { className: "none", textContent: "no picture" });
    canvas.ariaHidden = "true";
    const button = element("button", { type: "button", className: "card", title: image.path,
      tabIndex: index === current ? 0 : -1, ariaLabel:
        `${image.path}, p-value ${number(image.p)}${isFlagged ? ", flagged" : ""}` },
      element("span", { className: "frame" }, canvas),
      element("bdi", { className: "name", textContent: shortened(name) }),
      element("span", { className: "p", textContent: `${isFlagged ? "⚑ " : ""}p ${number(image.p)}` }));
    button.classList.toggle("flagged", isFlagged);
    button.dataset.index = index;
    button.onclick = () => { current = index; open(index); };
    if (image.tile) draw(canvas, image, state.view, false);
    return element("li", {}, button);
  }

  function render() {
    arrange();
    const start = (state.page - 1) * data.page;
    const cards = order.slice(start, start + data.page);
    if (current < start || current >= start + cards.length) current = start;
    byId("gallery").replaceChildren(...cards.map((image, i) => card(image, start + i)));
    const count = flaggedCount();
    const expected = state.threshold * data.images;
    byId("count").textContent = whole(count);
    byId("expected").textContent = expected < 10 ? expected.toFixed(1) : whole(Math.round(expected));
    byId("status").textContent = `At p ≤ ${number(state.threshold)}, ${whole(count)} of `
      + `${counted(data.images, "image")} ${count === 1 ? "is" : "are"} flagged. `
      + `Were all normal, at most ${number(expected)} would be on average.`;
    byId("exact").value = Number(state.threshold.toPrecision(4));
    byId("threshold").value = toSlider(state.threshold);
    byId("threshold").ariaValueText = `p at most ${number(state.threshold)}, ${whole(count)} flagged`;
    byId("page").value = state.page;
    byId("page").max = pages();
    byId("pages").textContent = `of ${whole(pages())}`;
    byId("listed").textContent = order.length === images.length
      ? "" : counted(order.length, "image");
    byId("back").disabled = state.page <= 1;
    byId("forth").disabled = state.page >= pages();
    byId("sort").value = state.sort;
    byId("low").checked = state.low;
    byId("only").checked = state.only;
    byId("find").value = state.find;
    for (const button of document.querySelectorAll("[data-view]:not(canvas)"))
      button.ariaPressed = String(button.dataset.view === state.view);
    if (byId("detail").open) detail();
    remember();
  }

  function change(changes) {
    if (!("page" in changes) && !("view" in changes) && !("open" in changes)) {
      state.page = 1;
      current = 0;
    }
    Object.assign(state, changes);
    render();
  }

  /// The slider is logarithmic: from the least p-value of all on the left to 1.
  const toSlider = p => p <= least ? 0 : Math.round(1000 * (1 - Math.log(p) / Math.log(least)));
  const fromSlider = place =>
    Math.max(least, Number((least ** (1 - place / 1000)).toPrecision(3)));

  function turn(page, focus) {
    change({ page });
    current = (state.page - 1) * data.page;
    if (focus) focusCard(current);
    else scrollTo({ top: byId("controls").offsetTop });
  }

  function focusCard(index) {
    if (index < 0 || index >= order.length) return;
    const page = Math.floor(index / data.page) + 1;
    current = index;
    if (page !== state.page) change({ page });
    for (const button of byId("gallery").querySelectorAll(".card")) {
      const isIt = Number(button.dataset.index) === index;
      button.tabIndex = isIt ? 0 : -1;
      if (isIt) button.focus();
    }
  }

  function galleryKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const cards = [...byId("gallery").children];
    const columns = Math.max(1, cards.filter(card => card.offsetTop === cards[0].offsetTop).length);
    const last = order.length - 1;
    const to = {
      ArrowLeft: current - 1, ArrowRight: current + 1, ArrowUp: current - columns,
      ArrowDown: Math.min(current + columns, last), Home: 0, End: last,
      PageUp: Math.max(0, current - data.page), PageDown: Math.min(current + data.page, last),
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    focusCard(to);
  }

  // One image ----------------------------------------------------------------------------------------

  function open(index) {
    if (index < 0 || index >= order.length) return;
    current = index;
    const page = Math.floor(index / data.page) + 1;
    if (!byId("detail").open) byId("detail").showModal();
    change({ open: index + 1, page });
  }

  function detail() {
    const image = order[current];
    if (!image) return byId("detail").close();
    byId("name").textContent = image.path;
    byId("name").classList.toggle("flagged", flagged(image));
    byId("original").hidden = !image.link;
    if (image.link) byId("original").href = image.link;
    const canvas = byId("large");
    canvas.hidden = !image.tile;
    canvas.ariaLabel = `${image.path}: ${state.view}`;
    if (image.tile) draw(canvas, image, state.view, true);
    byId("missing").textContent = !image.tile
      ? "The page has no picture of this image, so that it stays small."
      : data.rows.some(row => row[5]) && !image.large ? "The page has only a small picture of this image." : "";
    byId("parts").replaceChildren(...image.parts.map(([score, share]) =>
      element("li", {}, element("span", { textContent: `${score} ${share < 0 ? "low" : "high"}` }),
        element("span", { textContent: `${Math.abs(share)} %` }), bar(Math.abs(share)))));
    byId("odd").hidden = !image.parts.length;
    byId("numbers").replaceChildren(...image.numbers.flatMap((value, i) =>
      [element("dt", { textContent: columns[i] }), element("dd", { textContent: number(value) })]));
    byId("place").textContent = `${whole(current + 1)} of ${whole(order.length)}`;
    byId("earlier").disabled = current === 0;
    byId("later").disabled = current === order.length - 1;
  }

  function bar(percent) {
    const bar = element("span", { className: "bar", ariaHidden: "true" });
    bar.style.setProperty("--share", `${percent}%`);
    return bar;
  }

  function detailKey(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const view = { 1: "image", 2: "overlay", 3: "map" }[event.key];
    if (step) { event.preventDefault(); open(current + step); }
    else if (view && hasMaps) change({ view });
  }

  // The address --------------------------------------------------------------------------------------

  const kinds = { threshold: Number, page: Number, view: String, sort: Number, low: Boolean,
    only: Boolean, find: String, open: Number };

  function remember() {
    const words = new URLSearchParams();
    for (const key in kinds) if (state[key] !== initial[key]) words.set(key, state[key]);
    const hash = words.size ? `#${words}` : location.pathname;
    try { history.replaceState(null, "", hash); } catch { /* a page that has no address */ }
  }

  function recall() {
    const words = new URLSearchParams(location.hash.slice(1));
    Object.assign(state, initial);
    for (const [key, value] of words) if (kinds[key]) {
      const found = kinds[key](value);
      if (found === found) state[key] = found;
    }
    if (!(state.threshold >= 0 && state.threshold <= 1)) state.threshold = initial.threshold;
    if (!columns[state.sort]) state.sort = 0;
    if (!["image", "overlay", "map"].includes(state.view)) state.view = "image";
    arrange();
    if (state.open) open(state.open - 1); else render();
  }

  // --------------------------------------------------------------------------------------------------

  const hasMaps = byId("map-0") !== null;
  for (const views of document.querySelectorAll(".views")) views.hidden = !hasMaps;
  byId("sort").append(...columns.map((name, i) =>
    element("option", { value: i, textContent: i ? `by ${name}` : "the oddest first" })));
  byId("threshold").oninput = event => change({ threshold: fromSlider(event.target.value) });
  byId("exact").onchange = event => {
    const p = Number(event.target.value);
    change(p > 0 && p <= 1 ? { threshold: p } : {});
  };
  byId("asked").onclick = () => change({ threshold: initial.threshold });
  byId("sort").onchange = event => change({ sort: Number(event.target.value) });
  byId("low").onchange = event => change({ low: event.target.checked });
  byId("only").onchange = event => change({ only: event.target.checked });
  byId("find").oninput = event => change({ find: event.target.value });
  byId("page").onchange = event => turn(Number(event.target.value) || 1);
  byId("back").onclick = () => turn(state.page - 1);
  byId("forth").onclick = () => turn(state.page + 1);
  for (const button of document.querySelectorAll("button[data-view]"))
    button.onclick = () => change({ view: button.dataset.view });
  byId("gallery").onkeydown = galleryKey;
  byId("detail").onkeydown = detailKey;
  byId("detail").onclick = event => { if (event.target === byId("detail")) byId("detail").close(); };
  byId("detail").onclose = () => { state.open = 0; remember(); focusCard(current); };
  byId("close").onclick = () => byId("detail").close();
  byId("earlier").onclick = () => open(current - 1);
  byId("later").onclick = () => open(current + 1);
  addEventListener("hashchange", recall);
  recall();
  """#
