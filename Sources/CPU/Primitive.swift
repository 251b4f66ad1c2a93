import COneDNN
import Tensors

/// Traps with the name of the call where oneDNN refuses: shapes and formats are ours, so a refusal is
/// a programmer's error, but for a lack of memory. The codes are those of `dnnl_status_t`.
func require(_ status: dnnl_status_t, _ call: StaticString) {
  if status == dnnl_out_of_memory { outOfMemory("for \(call) of oneDNN") }
  precondition(status == dnnl_success, "oneDNN refused \(call): status \(status.rawValue)")
}

/// The processor, and the queue on which all primitives run in order.
struct Device: @unchecked Sendable {
  static let cpu = Device()

  let engine: dnnl_engine_t
  let stream: dnnl_stream_t

  private init() {
    var engine: dnnl_engine_t?
    require(dnnl_engine_create(&engine, dnnl_cpu, 0), "dnnl_engine_create")
    var stream: dnnl_stream_t?
    require(
      dnnl_stream_create(&stream, engine, UInt32(dnnl_stream_default_flags.rawValue)),
      "dnnl_stream_create")
    self.engine = engine!
    self.stream = stream!
  }
}

extension Precision {
  var dnnl: dnnl_data_type_t {
    switch self {
    case .float32: dnnl_f32
    case .bfloat16: dnnl_bf16
    case .float64: preconditionFailure("oneDNN has no float64; use the reference backend")
    }
  }
}

/// How elements lie in memory.
enum Layout {
  /// `[N, H, W, C]` in memory; oneDNN names the sides N, C, H, W.
  case images
  /// Row-major.
  case dense
  /// Given strides.
  case strided([Int])
  /// As the primitive likes it best.
  case any
}

func descriptor(_ sides: [Int], _ precision: Precision, _ layout: Layout) -> dnnl_memory_desc_t {
  var result = dnnl_memory_desc_t()
  let sides64 = sides.map(Int64.init)
  let strides: [Int]
  switch layout {
  case .any:
    require(
      dnnl_memory_desc_init_by_tag(
        &result, Int32(sides.count), sides64, precision.dnnl, dnnl_format_tag_any),
      "dnnl_memory_desc_init_by_tag")
    return result
  case .images:
    let (c, h, w) = (sides[1], sides[2], sides[3])
    strides = [h * w * c, 1, w * c, c]
  case .dense:
    strides = sides.indices.map { sides[($0 + 1)...].reduce(1, *) }
  case .strided(let given):
    strides = given
  }
  require(
    dnnl_memory_desc_init_by_strides(
      &result, Int32(sides.count), sides64, precision.dnnl, strides.map(Int64.init)),
    "dnnl_memory_desc_init_by_strides")
  return result
}

/// A compiled oneDNN computation and the memory objects that it takes its arguments from.
final class Primitive {
  private let primitive: dnnl_primitive_t
  private var arguments: [dnnl_exec_arg_t] = []
  /// Memory to work in. oneDNN's own belongs to the thread that made the primitive: another thread
  /// that runs it would write to no memory at all.
  private let scratchpad: Tensor

  /// - Parameters:
  ///   - description: what to compute; consumed.
  ///   - arguments: `DNNL_ARG_…` and the layout of each, in the order in which `run` takes them.
  init(_ description: dnnl_primitive_desc_t, arguments: [(Int32, dnnl_memory_desc_t)]) {
    var primitive: dnnl_primitive_t?
    require(dnnl_primitive_create(&primitive, description), "dnnl_primitive_create")
    let scratch = dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0).pointee
    scratchpad = Tensor([(byteCount(scratch) + 3) / 4], .float32)
    require(dnnl_primitive_desc_destroy(description), "dnnl_primitive_desc_destroy")
    self.primitive = primitive!
    for (index, layout) in arguments + [(DNNL_ARG_SCRATCHPAD, scratch)] {
      var layout = layout
      var memory: dnnl_memory_t?
      // DNNL_MEMORY_NONE: the memory is ours and set before each run.
      require(
        dnnl_memory_create(&memory, &layout, Device.cpu.engine, nil), "dnnl_memory_create")
      self.arguments.append(dnnl_exec_arg_t(arg: index, memory: memory))
    }
  }

  deinit {
    for argument in arguments { dnnl_memory_destroy(argument.memory) }
    dnnl_primitive_destroy(primitive)
  }

  /// Computes, the tensors in the order of the arguments.
  func run(_ tensors: Tensor...) {
    precondition(tensors.count + 1 == arguments.count)
    // A pointer does not keep its tensor alive.
    defer { withExtendedLifetime(tensors) {} }
    for (argument, tensor) in zip(arguments, tensors + [scratchpad]) {
      require(
        dnnl_memory_set_data_handle(argument.memory, tensor.pointer),
        "dnnl_memory_set_data_handle")
    }
    require(
      dnnl_primitive_execute(
        primitive, Device.cpu.stream, Int32(arguments.count), &arguments),
      "dnnl_primitive_execute")
    require(dnnl_stream_wait(Device.cpu.stream), "dnnl_stream_wait")
  }
}

/// What happens to a result on its way to memory; the scratchpad is the primitive's.
func attributes(_ activation: Activation = .identity, accumulating: Bool = false)
  -> dnnl_primitive_attr_t
{
  var attributes: dnnl_primitive_attr_t?
  require(dnnl_primitive_attr_create(&attributes), "dnnl_primitive_attr_create")
  require(
    dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user),
    "dnnl_primitive_attr_set_scratchpad_mode")
  var operations: dnnl_post_ops_t?
  require(dnnl_post_ops_create(&operations), "dnnl_post_ops_create")
  if accumulating {
    require(dnnl_post_ops_append_sum(operations, 1), "dnnl_post_ops_append_sum")
  }
  switch activation {
  case .identity: break
  case .relu:
    require(
      dnnl_post_ops_append_eltwise(operations, 1, dnnl_eltwise_relu, 0, 0),
      "dnnl_post_ops_append_eltwise")
  case .sigmoid:
    require(
      dnnl_post_ops_append_eltwise(operations, 1, dnnl_eltwise_logistic, 0, 0),
      "dnnl_post_ops_append_eltwise")
  }
  require(
    dnnl_primitive_attr_set_post_ops(attributes, operations), "dnnl_primitive_attr_set_post_ops")
  require(dnnl_post_ops_destroy(operations), "dnnl_post_ops_destroy")
  return attributes!
}

/// A primitive description from an operation descriptor; the attributes are consumed.
func describe(
  _ operation: UnsafeRawPointer, _ attributes: dnnl_primitive_attr_t = attributes(),
  hint: dnnl_primitive_desc_t? = nil
) -> dnnl_primitive_desc_t {
  var description: dnnl_primitive_desc_t?
  require(
    dnnl_primitive_desc_create(
      &description, operation, attributes, Device.cpu.engine, hint), "dnnl_primitive_desc_create")
  dnnl_primitive_attr_destroy(attributes)
  return description!
}

/// A copy from one layout and precision to another, or nil where they are the same.
func reorder(from source: dnnl_memory_desc_t, to target: dnnl_memory_desc_t) -> Primitive? {
  var (source, target) = (source, target)
  if dnnl_memory_desc_equal(&source, &target) != 0 { return nil }
  let attributes = attributes()
  var description: dnnl_primitive_desc_t?
  require(
    dnnl_reorder_primitive_desc_create(
      &description, &source, Device.cpu.engine, &target, Device.cpu.engine, attributes),
    "dnnl_reorder_primitive_desc_create")
  dnnl_primitive_attr_destroy(attributes)
  return Primitive(
    description!, arguments: [(DNNL_ARG_SRC, source), (DNNL_ARG_DST, target)])
}

/// Bytes of a layout.
func byteCount(_ layout: dnnl_memory_desc_t) -> Int {
  var layout = layout
  return dnnl_memory_desc_get_size(&layout)
}
