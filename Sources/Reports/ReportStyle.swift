/// How the page looks: on a wide screen, a telephone, in the dark, and on paper.
let reportStyle = """
  :root {
    color-scheme: light dark;
    --paper: #fcfcfd; --ink: #1d2027; --quiet: #5c6370; --line: #dde1e8; --card: #f0f2f6;
    --normal: #b4c0d4; --found: #2f5fd0; --flag: #c8361a; --focus: #2f5fd0;
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --paper: #15171b; --ink: #e6e8ec; --quiet: #9aa2b0; --line: #2e323a; --card: #1f2228;
      --normal: #465064; --found: #86abff; --flag: #ff7f5c; --focus: #86abff;
    }
  }
  * { box-sizing: border-box; }
  body {
    margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 72rem;
    background: var(--paper); color: var(--ink);
    font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", "Helvetica Neue", sans-serif;
  }
  h1 { margin: 0 0 1rem; font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; }
  h2 { margin: 2.5rem 0 .75rem; font-size: 1.15rem; }
  :focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
  [hidden] { display: none !important; }
  .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 0; }
  .figures div { display: flex; flex-direction: column-reverse; justify-content: flex-end; padding: .7rem 1rem; border-radius: .6rem; background: var(--card); }
  .figures dt { color: var(--quiet); font-size: .82rem; line-height: 1.3; }
  .figures dd { margin: 0; font-size: 1.6rem; font-weight: 600; font-variant-numeric: tabular-nums; }
  .figures div:nth-child(2) dd { color: var(--flag); }
  .note, .method p, .legend p { color: var(--quiet); font-size: .88rem; }

  button, input, select { font: inherit; color: inherit; }
  button, select, input[type=number], input[type=search] {
    min-height: 2.2rem; padding: .2rem .7rem; border: 1px solid var(--line); border-radius: .5rem;
    background: var(--paper);
  }
  button { cursor: pointer; }
  button:hover:not(:disabled) { border-color: var(--quiet); }
  button:disabled { opacity: .4; cursor: default; }
  input[type=number] { width: 6.5rem; font-variant-numeric: tabular-nums; }
  input[type=range], input[type=checkbox]{ accent-color: var(--found); }
  .threshold {
    position: sticky; top: 0; z-index: 1; margin: 0 -1rem; padding: .7rem 1rem .4rem;
    background: var(--paper); border-bottom: 1px solid var(--line);
  }
  .threshold div, .row { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; }
  .threshold input[type=range] { flex: 1 1 12rem; min-width: 0; height: 2rem; }
  .threshold output { display: block; font-size: .92rem; }
  .row { margin: .8rem 0; font-size: .92rem; }
  .row label { display: flex; align-items: center; gap: .4rem; }
  .views { display: flex; }
  .views button { border-radius: 0; margin-left: -1px; }
  .views button:first-child { border-radius: .5rem 0 0 .5rem; }
  .views button:last-child { border-radius: 0 .5rem .5rem 0; }
  .views button[aria-pressed=true] { background: var(--ink); border-color: var(--ink); color: var(--paper); }
  .views button:focus-visible { z-index: 1; }
  #find { flex: 1 1 8rem; min-width: 6rem; max-width: 16rem; }

  #gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); gap: .6rem; margin: 0; padding: 0; list-style: none; }
  .card { display: flex; flex-direction: column; width: 100%; padding: .35rem; border: 2px solid transparent; border-radius: .6rem; background: var(--card); text-align: left; }
  .card.flagged { border-color: var(--flag); }
  .frame { display: flex; align-items: center; justify-content: center; width: 100%; aspect-ratio: 1; overflow: hidden; border-radius: .3rem; background: #26282c; }
  .frame canvas { width: 100%; height: 100%; object-fit: contain; image-rendering: pixelated; }
  .none { color: #b9bec7; font-size: .8rem; }
  .name { display: block; width: 100%; margin-top: .25rem; font-size: .78rem; line-height: 1.3; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  .p { color: var(--quiet); font-size: .78rem; line-height: 1.3; font-variant-numeric: tabular-nums; }
  .flagged .p { color: var(--flag); font-weight: 600; }

  dialog { width: min(66rem, calc(100vw - 2rem)); max-height: calc(100dvh - 2rem); padding: 1.2rem 1.4rem; border: 1px solid var(--line); border-radius: .8rem; background: var(--paper); color: var(--ink); }
  dialog::backdrop { background: rgb(10 12 16 / .65); }
  dialog header, dialog footer { display: flex; align-items: center; justify-content: space-between; gap: 1rem; }
  dialog h2 { margin: 0; font-size: 1rem; overflow-wrap: anywhere; }
  dialog h2.flagged { color: var(--flag); }
  dialog h3 { margin: 0 0 .4rem; font-size: .95rem; }
  .both { display: grid; grid-template-columns: minmax(0, 3fr) minmax(15rem, 2fr); gap: 1.5rem; margin: 1rem 0; }
  #large { display: block; max-width: 100%; max-height: 60vh; margin: .8rem auto 0; border-radius: .3rem; image-rendering: pixelated; }
  #parts { margin: 0 0 1.2rem; padding: 0; list-style: none; font-size: .9rem; }
  #parts li { display: grid; grid-template-columns: 1fr auto; column-gap: .5rem; }
  #parts li { margin-bottom: .5rem; font-variant-numeric: tabular-nums; }
  .bar { grid-column: 1 / -1; height: .4rem; border-radius: .2rem; background: linear-gradient(to right, var(--found) var(--share), var(--line) var(--share)); }
  #numbers { display: grid; grid-template-columns: 1fr auto; gap: .1rem 1rem; margin: 0; font-size: .85rem; }
  #numbers dt { color: var(--quiet); overflow-wrap: anywhere; }
  #numbers dd { margin: 0; text-align: right; font-variant-numeric: tabular-nums; }

  .key { display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; margin: 0 0 .5rem; font-size: .88rem; color: var(--quiet); }
  .key span::before { content: ""; display: inline-block; width: .9rem; height: .7rem; margin-right: .45rem; }
  .key .normal::before { background: var(--normal); }
  .key .found::before { height: 0; border-top: 2px solid var(--found); vertical-align: middle; }
  .key .flag::before { width: 0; border-left: 2px solid var(--flag); vertical-align: middle; }
  .plot { display: block; width: 100%; max-width: 60rem; height: auto; }
  .narrow { display: none; }
  .plot text { fill: var(--quiet); font-size: 12px; font-variant-numeric: tabular-nums; }
  .plot path { fill: none; stroke-width: 1; }
  .plot .rule { stroke: var(--line); }
  .plot .axis { stroke: var(--quiet); }
  .plot path.normal { fill: var(--normal); }
  .plot .found { stroke: var(--found); stroke-width: 1.8; }
  .plot .flag { stroke: var(--flag); stroke-width: 1.5; }
  .plot path.threshold { stroke: var(--flag); stroke-dasharray: 5 4; }
  .plot text.threshold { fill: var(--flag); }
  table { width: 100%; border-collapse: collapse; font-size: .92rem; }
  th { padding: .4rem .6rem; border-bottom: 1px solid var(--line); color: var(--quiet); font-weight: 500; text-align: left; }
  td { padding: .6rem; border-bottom: 1px solid var(--line); vertical-align: middle; }
  th:first-child, td:first-child { padding-left: 0; }
  .path, pre { font-family: ui-monospace, "SF Mono", "DejaVu Sans Mono", Consolas, monospace; font-size: .85rem; overflow-wrap: anywhere; }
  a { color: inherit; text-decoration-color: var(--quiet); text-underline-offset: .2em; }
  .legend { max-width: 24rem; margin: .8rem 0 0; }
  .legend img { display: block; width: 100%; height: .8rem; border-radius: 3px; image-rendering: pixelated; }
  .legend div { display: flex; justify-content: space-between; color: var(--quiet); font-size: .82rem; font-variant-numeric: tabular-nums; }
  .legend p { margin: .1rem 0 0; }
  pre { margin: 0; padding: .8rem 1rem; border-radius: .6rem; background: var(--card); white-space: pre-wrap; }
  @media (max-width: 40rem) {
    body { padding: 1.2rem 1rem 3rem; }
    .wide { display: none; }
    .narrow { display: block; }
    .figures { grid-template-columns: 1fr 1fr; gap: .5rem; }
    .figures div { padding: .5rem .8rem; }
    .figures div:last-child { grid-column: 1 / -1; }
    .figures dd { font-size: 1.25rem; }
    #gallery { grid-template-columns: repeat(3, minmax(0, 1fr)); gap: .4rem; }
    dialog { width: 100vw; max-width: 100vw; height: 100dvh; max-height: 100dvh; margin: 0; padding: .8rem 1rem; border: 0; border-radius: 0; }
    .both { grid-template-columns: minmax(0, 1fr); gap: 1rem; }
    #large { max-height: 48vh; }
  }
  @media print {
    :root { --paper: #fff; --ink: #000; --quiet: #444; --line: #bbb; --card: #fff; --flag: #a02000; color-scheme: light; }
    body { max-width: none; padding: 0; font-size: 11pt; }
    .threshold { position: static; margin: 0; padding: 0; border: 0; }
    .threshold div, .row, dialog { display: none; }
    #gallery { grid-template-columns: repeat(8, 1fr); }
    .card, tr, svg { break-inside: avoid; }
    .frame, canvas { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  }
  """
