#include "host/vips_worker/vips_job.h"

#include <vips/vips.h>

#include <cstdio>
#include <cstdlib>
#include <deque>

#include "host/vips_worker/held.h"
#include "host/vips_worker/reduce.h"
#include "host/vips_worker/jpeg_loader.h"
#include "host/vips_worker/thumbnail.h"

namespace pixmesh {
namespace {

constexpr int failed = 1;

int tell_failure() {
  std::fputs(vips_error_buffer(), stderr);  // each line begins with who says it
  vips_error_clear();
  return failed;
}

bool write_image(const WorkerJob& job, VipsImage* image, int output) {
  const Held<VipsTarget> target(vips_target_new_to_descriptor(output));
  const std::string form = "." + job.output_extension + job.save_options;
  return target.get() != nullptr &&
         vips_image_write_to_target(image, form.c_str(), target.get(), nullptr) == 0;
}

bool has_option(const WorkerJob& job, std::string_view name) {
  for (const auto& option : job.options) {
    if (option.first == name) return true;
  }
  return false;
}

// A side of 0 is vipsthumbnail's 'no limit'; there is no command to do the fast way.
int run_thumbnail(const WorkerJob& job, VipsSource* source, int output) {
  if (job.arguments.size() != 2) return worker_exit_not_known;
  ThumbnailWish wish;
  wish.width = std::atoi(job.arguments[0].c_str());
  wish.height = std::atoi(job.arguments[1].c_str());
  wish.no_rotate = has_option(job, "no-rotate");
  wish.linear = has_option(job, "linear");
  if (wish.width <= 0 || wish.height <= 0) {
    if (!job.fast_shrink_on_load) return worker_exit_not_known;
    std::fputs("thumbnail: width and height have to be above 0\n", stderr);
    return failed;
  }
  Held<VipsImage> image;
  const auto make = job.fast_shrink_on_load ? make_fast_thumbnail : make_thumbnail;
  const bool made = make(source, wish, image.place());
  if (!made || !write_image(job, image.get(), output)) return tell_failure();
  return 0;
}

/// The arguments that an operation must have, in the order of its command line.
struct Wanted {
  std::string input;  // names; empty: there is none
  std::string output;
  std::deque<std::string> others;
  bool known_form = true;  // one image in, one image out, and no other object
};

void* note_argument(VipsObject*, GParamSpec* spec, VipsArgumentClass* argument,
                    VipsArgumentInstance*, void* into, void*) {
  Wanted& wanted = *static_cast<Wanted*>(into);
  const bool required = (argument->flags & VIPS_ARGUMENT_REQUIRED) != 0 &&
                        (argument->flags & VIPS_ARGUMENT_CONSTRUCT) != 0 &&
                        (argument->flags & VIPS_ARGUMENT_DEPRECATED) == 0;
  if (!required) return nullptr;
  const bool image = g_type_is_a(spec->value_type, VIPS_TYPE_IMAGE) != FALSE;
  const bool gives = (argument->flags & VIPS_ARGUMENT_OUTPUT) != 0;
  std::string& place = gives ? wanted.output : wanted.input;
  if (image && place.empty()) {
    place = spec->name;
  } else if (image || gives || g_type_is_a(spec->value_type, G_TYPE_OBJECT) != FALSE) {
    wanted.known_form = false;
  } else {
    wanted.others.emplace_back(spec->name);
  }
  return nullptr;
}

/// Whether the option takes a text that names no image: another image would be a file.
bool is_plain_option(VipsOperation* operation, const std::string& name) {
  GParamSpec* spec = nullptr;
  VipsArgumentClass* argument = nullptr;
  VipsArgumentInstance* instance = nullptr;
  const bool there = vips_object_get_argument(VIPS_OBJECT(operation), name.c_str(), &spec,
                                              &argument, &instance) == 0;
  if (!there) vips_error_clear();
  return there && (argument->flags & VIPS_ARGUMENT_INPUT) != 0 &&
         g_type_is_a(spec->value_type, G_TYPE_OBJECT) == FALSE &&
         spec->value_type != VIPS_TYPE_ARRAY_IMAGE;
}

bool is_known_form(const WorkerJob& job, VipsOperation* operation, const Wanted& wanted) {
  for (const auto& option : job.options) {
    if (!is_plain_option(operation, option.first)) return false;
  }
  return wanted.known_form && !wanted.input.empty() && !wanted.output.empty() &&
         wanted.others.size() == job.arguments.size();
}

bool set_texts(const WorkerJob& job, VipsOperation* operation, const Wanted& wanted) {
  VipsObject* object = VIPS_OBJECT(operation);
  for (const auto& [name, value] : job.options) {
    if (vips_object_set_argument_from_string(object, name.c_str(), value.c_str()) != 0) {
      return false;
    }
  }
  for (std::size_t i = 0; i < wanted.others.size(); ++i) {
    if (vips_object_set_argument_from_string(object, wanted.others[i].c_str(),
                                             job.arguments[i].c_str()) != 0) {
      return false;
    }
  }
  return true;
}

/// Reads the image as the command line does: from top to bottom where the operation can.
bool set_input(VipsOperation* operation, const std::string& name, VipsSource* source) {
  const bool in_order = (vips_operation_get_flags(operation) & VIPS_OPERATION_SEQUENTIAL) != 0;
  const Held<VipsImage> image(vips_image_new_from_source(
      source, "", "access", in_order ? VIPS_ACCESS_SEQUENTIAL : VIPS_ACCESS_RANDOM, nullptr));
  if (image.get() == nullptr) return false;
  g_object_set(operation, name.c_str(), image.get(), nullptr);
  return true;
}

bool perform(const WorkerJob& job, VipsOperation* operation, const Wanted& wanted,
             VipsSource* source, int output) {
  if (!set_texts(job, operation, wanted) || !set_input(operation, wanted.input, source) ||
      vips_object_build(VIPS_OBJECT(operation)) != 0) {
    return false;
  }
  Held<VipsImage> image;
  g_object_get(operation, wanted.output.c_str(), image.place(), nullptr);
  return image.get() != nullptr && write_image(job, image.get(), output);
}

int run_operation(const WorkerJob& job, VipsSource* source, int output) {
  const Held<VipsOperation> operation(vips_operation_new(job.operation.c_str()));
  if (operation.get() == nullptr) {
    vips_error_clear();
    return worker_exit_not_known;
  }
  Wanted wanted;
  (void)vips_argument_map(VIPS_OBJECT(operation.get()), note_argument, &wanted, nullptr);
  const bool known = is_known_form(job, operation.get(), wanted);
  const int status = !known                                                  ? worker_exit_not_known
                     : perform(job, operation.get(), wanted, source, output) ? 0
                                                                             : tell_failure();
  vips_object_unref_outputs(VIPS_OBJECT(operation.get()));
  return status;
}

}  // namespace

bool open_vips(const char* program) {
  if (VIPS_INIT(program) != 0) return false;
  vips_concurrency_set(1);
  vips_cache_set_max(0);  // no job sees what an earlier one read
  use_jpeg_loader();
  use_own_reductions();
  return true;
}

int run_vips_job(const WorkerJob& job, int input, int output) {
  const Held<VipsSource> source(vips_source_new_from_descriptor(input));
  if (source.get() == nullptr) return tell_failure();
  if (job.operation == "thumbnail") return run_thumbnail(job, source.get(), output);
  return run_operation(job, source.get(), output);
}

}  // namespace pixmesh
