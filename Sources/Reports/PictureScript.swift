/// How the page draws pictures, in the colours of `ColourMap`: a part of `reportScript`.
let pictureScript = #"""
  // Pictures: sheets are decoded when they are shown, and the last few kept ---------------------------

  const decoded = new Map();

  function picture(id) {
    if (!decoded.has(id)) {
      const source = byId(id);
      if (!source) return Promise.resolve(null);
      const image = new Image();
      image.src = "data:image/png;base64," + source.textContent;
      decoded.set(id, image.decode().then(() => image));
      if (decoded.size > 24) decoded.delete(decoded.keys().next().value);
    }
    return decoded.get(id);
  }

  const colours = Array.from({ length: 256 }, (_, i) =>
    [0, 2, 4].map(at => parseInt(data.colours.substr(6 * i + at, 2), 16)));

  function pixels(image, top, width, height) {
    const context = element("canvas", { width, height }).getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, top, width, height, 0, 0, width, height);
    return context.getImageData(0, 0, width, height);
  }

  /// Where the map is above its threshold, as line segments between pixels.
  function outline(steps, width, height) {
    const above = (x, y) =>
      x >= 0 && y >= 0 && x < width && y < height && steps[4 * (y * width + x)] >= data.outline;
    const path = new Path2D();
    for (let y = 0; y <= height; y++) for (let x = 0; x <= width; x++) {
      if (above(x, y) !== above(x, y - 1)) { path.moveTo(x, y); path.lineTo(x + 1, y); }
      if (above(x, y) !== above(x - 1, y)) { path.moveTo(x, y); path.lineTo(x, y + 1); }
    }
    return path;
  }

  /// Around what stands out in a small image.
  function boxes(image) {
    const path = new Path2D();
    for (const box of image.boxes) path.rect(...box);
    return path;
  }

  /// Draws an image, its map, or the map laid over the image in grey.
  async function draw(canvas, image, view, isLarge) {
    const useLarge = isLarge && image.large;
    if (!useLarge && !image.tile) return;
    const [sheet, top, width, height] =
      useLarge ? [image.large[0], 0, image.large[1], image.large[2]] : image.tile;
    const prefix = useLarge ? "large-" : "";
    const wanted = canvas.wanted = {};
    const [drawing, map] = await Promise.all(
      [picture(`${prefix}image-${sheet}`), view === "image" ? null : picture(`${prefix}map-${sheet}`)]);
    if (canvas.wanted !== wanted) return;
    const result = pixels(drawing, top, width, height);
    const steps = map && pixels(map, top, width, height).data;
    for (let i = 0; map && i < result.data.length; i += 4) {
      const colour = colours[steps[i]];
      const pixel = result.data;
      const share = view === "map" ? 1 : steps[i] / 255;
      // Dimmed, so that what is light is the map's.
      const grey = 0.6 * (0.299 * pixel[i] + 0.587 * pixel[i + 1] + 0.114 * pixel[i + 2]);
      for (let c = 0; c < 3; c++) pixel[i + c] = share * colour[c] + (1 - share) * grey;
    }
    const factor = isLarge ? Math.max(1, Math.floor(640 / Math.max(width, height))) : 1;
    const small = element("canvas", { width, height });
    small.getContext("2d").putImageData(result, 0, 0);
    canvas.width = width * factor;
    canvas.height = height * factor;
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, canvas.width, canvas.height);
    if (map && isLarge) {
      const scale = data.outline === null ? canvas.width / data.width : factor;
      const path = data.outline === null ? boxes(image) : outline(steps, width, height);
      context.scale(scale, scale);
      for (const [style, size] of [["#000", 4], ["#fff", 1.8]]) {
        context.strokeStyle = style;
        context.lineWidth = size / scale;
        context.stroke(path);
      }
    }
    canvas.dataset.view = view;
  }
  """#
