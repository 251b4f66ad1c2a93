/// How one element of a stored tensor is laid out, by its name in the safetensors format.
public enum TensorElementType: String, CaseIterable, Sendable {
  case float64 = "F64"
  case float32 = "F32"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case int64 = "I64"
  case int32 = "I32"
  case int16 = "I16"
  case int8 = "I8"
  case uint64 = "U64"
  case uint32 = "U32"
  case uint16 = "U16"
  case uint8 = "U8"
  case bool = "BOOL"

  /// Bytes an element takes.
  public var size: Int {
    switch self {
    case .float64, .int64, .uint64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16, .uint16: 2
    case .int8, .uint8, .bool: 1
    }
  }
}

/// A Swift number that is stored as it lies in memory. (The format is little-endian, as is every
/// processor that Scanline runs on.)
public protocol TensorElement: BitwiseCopyable {
  static var elementType: TensorElementType { get }
}

extension Double: TensorElement {
  public static var elementType: TensorElementType { .float64 }
}
extension Float: TensorElement {
  public static var elementType: TensorElementType { .float32 }
}
extension Float16: TensorElement {
  public static var elementType: TensorElementType { .float16 }
}
extension Int64: TensorElement {
  public static var elementType: TensorElementType { .int64 }
}
extension Int32: TensorElement {
  public static var elementType: TensorElementType { .int32 }
}
extension UInt8: TensorElement {
  public static var elementType: TensorElementType { .uint8 }
}
