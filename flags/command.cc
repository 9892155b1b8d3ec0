#include "flags/command.h"

#include <CLI/CLI.hpp>
#include <utility>

namespace pixmesh {

Flag Flag::required() const {
  option_->required();
  return *this;
}

Flag Flag::type_name(const std::string& name) const {
  option_->type_name(name);
  return *this;
}

Flag Flag::group(const std::string& name) const {
  option_->group(name);
  return *this;
}

Flag Flag::shows_default() const {
  option_->capture_default_str();
  return *this;
}

Flag Flag::excludes(const Flag& other) const {
  option_->excludes(other.option_);
  return *this;
}

Flag Flag::values_between(char separator) const {
  option_->delimiter(separator);
  return *this;
}

Flag Flag::one_value_each() const {
  option_->allow_extra_args(false);
  return *this;
}

Flag Flag::one_of(const std::vector<std::string>& words) const {
  option_->check(CLI::IsMember(words));
  return *this;
}

Flag Flag::within(double low, double high) const {
  option_->check(CLI::Range(low, high));
  return *this;
}

Flag Flag::within_whole(std::int64_t low, std::int64_t high) const {
  option_->check(CLI::Range(low, high));
  return *this;
}

Flag Flag::checked(std::function<std::string(const std::string&)> fault,
                   const std::string& name) const {
  option_->check(CLI::Validator(std::move(fault), name));
  return *this;
}

bool Flag::given() const { return option_->count() > 0; }

template <typename T>
Flag Command::add_option(const std::string& names, T& value, const std::string& summary) const {
  return Flag(*app_->add_option(names, value, summary));
}

Flag Command::add_flag(const std::string& names, bool& value, const std::string& summary) const {
  return Flag(*app_->add_flag(names, value, summary));
}

Command Command::add_command(const std::string& name, const std::string& summary) const {
  return Command(*app_->add_subcommand(name, summary));
}

void Command::on_chosen(std::function<void()> body) const { app_->callback(std::move(body)); }

using Text = const std::string&;
template Flag Command::add_option(Text, std::string&, Text) const;
template Flag Command::add_option(Text, std::uint16_t&, Text) const;
template Flag Command::add_option(Text, std::uint32_t&, Text) const;
template Flag Command::add_option(Text, std::uint64_t&, Text) const;
template Flag Command::add_option(Text, double&, Text) const;
template Flag Command::add_option(Text, std::vector<std::string>&, Text) const;
template Flag Command::add_option(Text, std::vector<std::uint32_t>&, Text) const;
template Flag Command::add_option(Text, std::vector<std::uint64_t>&, Text) const;
template Flag Command::add_option(Text, std::vector<double>&, Text) const;

}  // namespace pixmesh
