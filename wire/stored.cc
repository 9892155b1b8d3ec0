#include "wire/stored.h"

#include "wire/codec.h"

namespace pixmesh {
namespace {

template <typename T>
Bytes encode_stored(const T& value) {
  msgpack::sbuffer buffer(512);
  codec::Packer out(buffer);
  out.pack_array(2);
  out.pack_uint32(format_version);
  codec::write(out, value);
  return codec::to_bytes(buffer);
}

template <typename T>
Result<T> decode_stored(const char* what, ByteView bytes) {
  return codec::guarded<T>(what, [&] {
    const msgpack::object_handle handle = codec::unpack(bytes);
    const msgpack::object& pair = handle.get();
    codec::need(pair.type == msgpack::type::ARRAY && pair.via.array.size == 2);
    std::uint32_t format = 0;
    codec::read(pair.via.array.ptr[0], format);
    codec::need(format == format_version);
    T value;
    codec::read(pair.via.array.ptr[1], value);
    return value;
  });
}

}  // namespace

Bytes encode_record(const ImageRecord& record) { return encode_stored(record); }
Result<ImageRecord> decode_record(ByteView bytes) {
  return decode_stored<ImageRecord>("image record", bytes);
}
Bytes encode_lists(const HolderLists& lists) { return encode_stored(lists); }
Result<HolderLists> decode_lists(ByteView bytes) {
  return decode_stored<HolderLists>("list of holders", bytes);
}
Bytes encode_member(const MemberRecord& record) { return encode_stored(record); }
Result<MemberRecord> decode_member(ByteView bytes) {
  return decode_stored<MemberRecord>("member record", bytes);
}
Bytes encode_settings(const MeshSettings& settings) { return encode_stored(settings); }
Result<MeshSettings> decode_settings(ByteView bytes) {
  return decode_stored<MeshSettings>("mesh settings", bytes);
}
Bytes encode_eviction(const Eviction& eviction) { return encode_stored(eviction); }
Result<Eviction> decode_eviction(ByteView bytes) {
  return decode_stored<Eviction>("eviction", bytes);
}

RecordCodec stored_codec() { return {encode_record, decode_record, encode_lists, decode_lists}; }

}  // namespace pixmesh
