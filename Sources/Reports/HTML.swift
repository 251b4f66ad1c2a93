/// Text made safe within an element or a quoted attribute. Control characters, which a page cannot
/// show, become their pictures (␀ … ␟, ␡).
func escaped(_ text: String) -> String {
  var html = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": html += "&amp;"
    case "<": html += "&lt;"
    case ">": html += "&gt;"
    case "\"": html += "&quot;"
    case "'": html += "&#39;"
    case "\u{0}"..."\u{1F}": html.unicodeScalars.append(Unicode.Scalar(0x2400 + scalar.value)!)
    case "\u{7F}": html += "\u{2421}"
    default: html.unicodeScalars.append(scalar)
    }
  }
  return html
}

/// Words as they would be typed into a shell.
package func shellLine(_ words: [String]) -> String {
  words.map { word in
    let plain = word.unicodeScalars.allSatisfy {
      $0.properties.isAlphabetic || ("0"..."9").contains($0)
        || "-_./=:,+@%".unicodeScalars.contains($0)
    }
    guard !plain || word.isEmpty else { return word }
    return "'" + word.unicodeScalars.map { $0 == "'" ? #"'\''"# : String($0) }.joined() + "'"
  }.joined(separator: " ")
}

let reportStyle = """
  :root {
    color-scheme: light dark;
    --paper: #fcfcfd; --ink: #1d2027; --quiet: #646b78; --line: #e0e3e9; --card: #f2f4f7;
    --normal: #b4c0d4; --found: #2f5fd0; --flag: #d6401f;
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --paper: #15171b; --ink: #e6e8ec; --quiet: #979fad; --line: #2e323a; --card: #1e2127;
      --normal: #465064; --found: #86abff; --flag: #ff7a57;
    }
  }
  * { box-sizing: border-box; }
  body {
    margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 60rem;
    background: var(--paper); color: var(--ink);
    font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", "Helvetica Neue", sans-serif;
  }
  h1 { margin: 0 0 1.25rem; font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; }
  h2 { margin: 2.75rem 0 .75rem; font-size: 1.15rem; }
  .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 0; }
  .figures div { display: flex; flex-direction: column-reverse; justify-content: flex-end; padding: .8rem 1rem; border-radius: .6rem; background: var(--card); }
  .figures dt { color: var(--quiet); font-size: .82rem; line-height: 1.3; }
  .figures dd { margin: 0; font-size: 1.6rem; font-weight: 600; font-variant-numeric: tabular-nums; }
  .figures div:nth-child(2) dd { color: var(--flag); }
  .note, .method p, .legend p { color: var(--quiet); font-size: .88rem; }
  .key { display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; margin: 0 0 .5rem; font-size: .88rem; color: var(--quiet); }
  .key span::before { content: ""; display: inline-block; width: .9rem; height: .7rem; margin-right: .45rem; }
  .key .normal::before { background: var(--normal); }
  .key .found::before { height: 0; border-top: 2px solid var(--found); vertical-align: middle; }
  .key .flag::before { width: 0; border-left: 2px solid var(--flag); vertical-align: middle; }
  .plot { display: block; width: 100%; height: auto; }
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
  .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
  .path, pre { font-family: ui-monospace, "SF Mono", "DejaVu Sans Mono", Consolas, monospace; font-size: .85rem; overflow-wrap: anywhere; }
  td img { display: block; max-width: 100%; height: auto; border-radius: 3px; image-rendering: pixelated; }
  .parts ul { margin: 0; padding: 0; list-style: none; font-size: .85rem; line-height: 1.35; }
  a { color: inherit; text-decoration-color: var(--quiet); text-underline-offset: .2em; }
  .legend { max-width: 24rem; margin: 0 0 1rem; }
  .legend img { display: block; width: 100%; height: .8rem; border-radius: 3px; }
  .legend div { display: flex; justify-content: space-between; color: var(--quiet); font-size: .82rem; font-variant-numeric: tabular-nums; }
  .legend p { margin: .1rem 0 0; }
  pre { margin: 0; padding: .8rem 1rem; border-radius: .6rem; background: var(--card); white-space: pre-wrap; }
  @media (max-width: 40rem) {
    body { padding: 1.5rem 1rem 3rem; }
    .wide { display: none; }
    .narrow { display: block; }
    .figures { grid-template-columns: 1fr 1fr; }
    .flagged thead { display: none; }
    .flagged tr { display: grid; grid-template-columns: repeat(6, 1fr); gap: .3rem .6rem; padding: .9rem 0; border-bottom: 1px solid var(--line); }
    .flagged td { grid-column: span 3; padding: 0; border: 0; }
    .flagged .path, .flagged .parts { grid-column: 1 / -1; }
    .flagged .number { grid-column: span 2; text-align: left; }
    .number[data-label]::before, .parts[data-label]::before { content: attr(data-label); display: block; color: var(--quiet); font-size: .82rem; }
  }
  """
