import Files
import Foundation

/// Scalars and images for TensorBoard, by step, in an event file of the run.
///
/// ```swift
/// let events = try EventWriter(in: run.eventsFolder, firstStep: checkpointStep + 1)
/// try events.scalar("validation_nats_per_image", 81.3, step: 1200)
/// ```
///
/// Each start of a training writes a file of its own, which opens by telling TensorBoard to forget
/// what earlier files say from `firstStep` on: steps that a killed run logged after its last
/// checkpoint are not shown twice.
///
/// The file is a sequence of TFRecords, each an `Event` message; the field numbers below are those of
/// `event.proto` and `summary.proto`.
/// https://github.com/tensorflow/tensorboard/tree/master/tensorboard/compat/proto
public struct EventWriter: Sendable {
  private let file: AppendFile

  /// The file being written.
  public var path: String { file.path }

  /// Starts a file in `folder`, which must exist. `start` is its time, in the name and the first
  /// record. Throws a `FileError` with the system's reason.
  public init(in folder: String, firstStep: Int = 0, start: Date = Date()) throws {
    let stem = "\(folder)/events.out.tfevents.\(Int(start.timeIntervalSince1970)).scanline"
    file = try Self.newFile(stem)
    try append(step: 0, at: start) { $0.add(3, string: "brain.Event:2") }
    try append(step: firstStep, at: start) { event in
      event.add(7) { session in session.add(1, varint: 1) }  // SessionLog.status = START
    }
  }

  private static func newFile(_ stem: String) throws -> AppendFile {
    if let file = try AppendFile(creating: stem) { return file }
    // Starts within the same second need names of their own.
    for number in 1...99 {
      if let file = try AppendFile(creating: "\(stem).\(number)") { return file }
    }
    throw FileError(stem, expected: "a new file", found: "100 of this second already")
  }

  /// One point of the curve `tag`. Throws a `FileError` with the system's reason.
  public func scalar(_ tag: String, _ value: Double, step: Int, at time: Date = Date()) throws {
    try summary(tag, step: step, at: time) { $0.add(2, float: Float(value)) }
  }

  /// One PNG image, already encoded, `width` × `height` pixels of 1 (grey) or 3 (RGB) channels.
  /// Throws a `FileError` with the system's reason.
  public func image(
    _ tag: String, png: [UInt8], width: Int, height: Int, channels: Int, step: Int,
    at time: Date = Date()
  ) throws {
    try summary(tag, step: step, at: time) { value in
      value.add(4) { image in
        image.add(1, varint: height)
        image.add(2, varint: width)
        image.add(3, varint: channels)
        image.add(4, bytes: png)
      }
    }
  }

  private func summary(
    _ tag: String, step: Int, at time: Date, _ content: (inout ProtocolBuffer) -> Void
  ) throws {
    try append(step: step, at: time) { event in
      event.add(5) { summary in
        summary.add(1) { value in
          value.add(1, string: tag)
          content(&value)
        }
      }
    }
  }

  private func append(
    step: Int, at time: Date, _ content: (inout ProtocolBuffer) -> Void
  ) throws {
    var event = ProtocolBuffer()
    event.add(1, double: time.timeIntervalSince1970)
    event.add(2, varint: step)
    content(&event)
    try file.append(record(event.bytes))
  }
}

/// A TFRecord: length, its checksum, data, its checksum.
private func record(_ data: [UInt8]) -> [UInt8] {
  func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian, Array.init)
  }
  // Masked, because the checksum of bytes that hold their own checksum says little.
  func masked(_ crc: UInt32) -> UInt32 { ((crc >> 15) | (crc << 17)) &+ 0xa282_ead8 }
  let length = littleEndian(UInt64(data.count))
  return length + littleEndian(masked(crc32c(length))) + data + littleEndian(masked(crc32c(data)))
}
