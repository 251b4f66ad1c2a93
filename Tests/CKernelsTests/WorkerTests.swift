import CKernels
import Testing

@Suite struct Workers {
  /// What the parts of a run have seen, each in a place of its own.
  private struct Sightings {
    var threads = [Int32](repeating: 0, count: 9)
    var isWorker = [Int32](repeating: 0, count: 9)
  }

  @Test(arguments: [1, 2, 3])
  func everyPartRunsOnceByItself(_ count: Int) {
    var seen = Sightings()
    onThreads(count) {
      withUnsafeMutablePointer(to: &seen) { seen in
        sl_run_workers(
          { context, part in
            let seen = context!.assumingMemoryBound(to: Sightings.self)
            // Nothing that is set inside starts threads there.
            sl_set_threads(5)
            seen.pointee.threads[Int(part)] += sl_threads()
            seen.pointee.isWorker[Int(part)] += sl_is_worker()
          }, seen, 9)
      }
      #expect(sl_threads() == count)
    }
    #expect(seen.threads == [Int32](repeating: 1, count: 9))
    #expect(seen.isWorker == [Int32](repeating: 1, count: 9))
    #expect(sl_is_worker() == 0)
  }
}
