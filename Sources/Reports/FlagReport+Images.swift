import Foundation
import Images

extension FlagReport {
  /// The images at a threshold that is moved, a page of them at a time.
  func gallery(_ data: PageData) -> String {
    var left: [String] = []
    if data.listed < table.rows.count {
      left.append(
        "It lists the \(grouped(data.listed)) oddest of \(grouped(table.rows.count)) images; scores.csv lists all."
      )
    }
    if data.pictured < data.listed {
      left.append("It has pictures of \(grouped(data.pictured)) of them.")
    }
    if data.enlarged > 0, data.enlarged < data.pictured {
      left.append("It has larger pictures of the \(data.enlarged) oddest.")
    }
    let note =
      left.isEmpty
      ? "" : "<p class=\"note\">This page is kept small. \(left.joined(separator: " "))</p>\n"
    return """
      <section aria-label="Images">
      <noscript><p>This page shows its images by a script of its own, which is not allowed here. \
      scores.csv beside it has all scores, contact-sheet.png the oddest images.</p></noscript>
      <div class="threshold" id="controls">
      <div><label for="threshold">Threshold</label>\
      <input type="range" id="threshold" min="0" max="1000" step="1">\
      <label>p ≤ <input type="number" id="exact" min="0" max="1" step="any"></label>\
      <button type="button" id="asked">as asked for</button></div>
      <output id="status" aria-live="polite"></output>
      </div>
      <div class="row">
      \(Self.views)\
      <label>Sort <select id="sort"></select></label>\
      <label><input type="checkbox" id="low"> reversed</label>\
      <label><input type="checkbox" id="only"> flagged only</label>\
      <input type="search" id="find" placeholder="find a file" aria-label="find a file">
      </div>
      <ol id="gallery" aria-label="images"></ol>
      <nav class="row" aria-label="pages">
      <button type="button" id="back">← Back</button>\
      <label>Page <input type="number" id="page" min="1" step="1"></label> <span id="pages"></span>\
      <button type="button" id="forth">Forth →</button> <span id="listed"></span>
      </nav>
      <p class="note">Arrow keys move between images, Enter opens one, Escape closes it; in it, arrows lead \
      to the next, and 1, 2, 3 show the image, the map over it, the map.</p>
      \(note)</section>

      """
  }

  private static let views = """
    <div class="views" role="group" aria-label="what pictures show">\
    <button type="button" data-view="image">image</button>\
    <button type="button" data-view="overlay">overlay</button>\
    <button type="button" data-view="map">map</button></div>
    """

  /// One image, above the page.
  var detail: String {
    """
    <dialog id="detail" aria-labelledby="name">
    <header><h2><bdi id="name"></bdi></h2>\
    <button type="button" id="close" aria-label="close">✕</button></header>
    <div class="both">
    <div>\(Self.views)<canvas id="large" role="img" width="1" height="1"></canvas>\
    <p class="note" id="missing"></p><div class="maps">\(legend)</div></div>
    <div><div id="odd"><h3>What is odd</h3><ol id="parts"></ol></div>\
    <h3>Scores</h3><dl id="numbers"></dl>\
    <p><a id="original">open the file</a></p></div>
    </div>
    <footer><button type="button" id="earlier">← Earlier</button><span id="place"></span>\
    <button type="button" id="later">Later →</button></footer>
    </dialog>

    """
  }

  /// The colour bar of the heat maps.
  private var legend: String {
    let bar = HeatMap(height: 1, width: 256, steps: (0...255).map { UInt8($0) }).image
    let outlined =
      if scale.outline != nil {
        "; outlined where it is above the threshold of its own"
      } else if regions != nil {
        "; boxes where it surprises more over 3×3 pixels than 99 in 100 normal images do anywhere,"
          + " of flagged images without such a place 95 in 100"
      } else {
        ""
      }
    let labels = (0...4).map { quarter in
      let (low, high) = (scale.ends.lowerBound, scale.ends.upperBound)
      let value = short(Double(low + (high - low) * Float(quarter) / 4))
        .replacingOccurrences(of: "-", with: "−")
      return "<span>\(quarter == 4 ? "≥ " : quarter == 0 && low < 0 ? "≤ " : "")\(value)</span>"
    }
    return """
      <div class="legend"><img alt="colours from dark to light" src="\(dataURI(bar))">
      <div>\(labels.joined())</div>
      <p>\(escaped(scale.unit)); the same scale for every image\(outlined)</p></div>

      """
  }

  private func dataURI(_ image: Image) -> String {
    "data:image/png;base64,\(Data(image.encodedPNG(.quick)).base64EncodedString())"
  }
}
