import Tensors

extension Context {
  /// What is known of images, and that it is: x `[N, D]` under R masks of zeros and ones each, `[N, R, D]`,
  /// and means x̄ `[D]` as rows `[m ∘ (x − x̄), m − s k / D]`, `[N R, 2 D]`, where k are known and s is
  /// `commonShare`.
  func known(_ x: Variable, _ means: Variable, masks: Tensor) -> Variable {
    let (images, dimension, each) = (x.shape[0], x.shape[1], masks.shape[1])
    precondition(
      masks.shape == [images, each, dimension] && means.shape == [dimension],
      "masks \(masks.shape) and means \(means.shape) of \(x.shape)")
    let (values, ones, centre) = (x.value.values, masks.values, means.value.values)
    let y = Tensor([images * each, 2 * dimension], x.value.precision)
    var rows = [Double](repeating: 0, count: y.count)
    for row in 0..<images * each {
      let (image, mask) = (row / each * dimension, row * dimension)
      let known = ones[mask..<mask + dimension].reduce(0, +)
      let common = commonShare(of: dimension) * known / Double(dimension)
      for d in 0..<dimension {
        let one = ones[mask + d]
        rows[2 * mask + d] = one * (values[image + d] - centre[d])
        rows[2 * mask + dimension + d] = one - common
      }
    }
    y.write(rows)
    return record(y, from: [x, means]) { dy, gradients in
      let dy = dy.values
      var (dx, dmeans) = (
        [Double](repeating: 0, count: images * dimension), [Double](repeating: 0, count: dimension)
      )
      for row in 0..<images * each {
        let image = row / each * dimension
        for d in 0..<dimension where ones[row * dimension + d] != 0 {
          dx[image + d] += dy[2 * row * dimension + d]
          dmeans[d] -= dy[2 * row * dimension + d]
        }
      }
      gradients.add(Tensor(x.shape, x.value.precision, values: dx), to: x.slot)
      gradients.add(Tensor(means.shape, means.value.precision, values: dmeans), to: means.slot)
    }
  }

  /// Of each row its own outputs alone: row (n, i) of h `[N D, H]` has those of sub-pixel `places[i]`, so
  /// v `[D K, H]` and b `[D K]` give `[N, D, K]`.
  ///
  /// For a gradient of a whole evaluation only, which no training wants: plain loops, counted.
  public func ownOutputs(_ h: Variable, _ v: Variable, _ b: Variable, places: [Int]) -> Variable {
    backend.fallBack("ownOutputs")
    let (dimension, hidden) = (places.count, h.shape[1])
    let (images, outputs) = (h.shape[0] / dimension, v.shape[0] / dimension)
    let (rows, weights, bias) = (h.value.values, v.value.values, b.value.values)
    let y = Tensor([images, dimension, outputs], wide)
    /// Every row, output and the place of the output's weights.
    func visit(_ body: (_ row: Int, _ output: Int, _ place: Int) -> Void) {
      for row in 0..<images * dimension {
        for k in 0..<outputs {
          body(row, row * outputs + k, places[row % dimension] * outputs + k)
        }
      }
    }
    var values = [Double](repeating: 0, count: y.count)
    visit { row, output, place in
      var sum = bias[place]
      for j in 0..<hidden { sum += weights[place * hidden + j] * rows[row * hidden + j] }
      values[output] = sum
    }
    y.write(values)
    return record(y, from: [h, v, b]) { [wide] dy, gradients in
      let dy = dy.values
      var dh = [Double](repeating: 0, count: rows.count)
      var dv = [Double](repeating: 0, count: weights.count)
      var db = [Double](repeating: 0, count: bias.count)
      visit { row, output, place in
        db[place] += dy[output]
        for j in 0..<hidden {
          dh[row * hidden + j] += dy[output] * weights[place * hidden + j]
          dv[place * hidden + j] += dy[output] * rows[row * hidden + j]
        }
      }
      gradients.add(Tensor(h.shape, h.value.precision, values: dh), to: h.slot)
      gradients.add(Tensor(v.shape, wide, values: dv), to: v.slot)
      gradients.add(Tensor(b.shape, wide, values: db), to: b.slot)
    }
  }
}
