#include "simulations/studies/svg.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

namespace pixmesh::studies {
namespace {

constexpr double width = 860;
constexpr double height = 420;
constexpr double left = 70;
constexpr double right = 600;  // the legend stands behind it
constexpr double top = 40;
constexpr double bottom = 360;

// Told apart by most colour-blind people (Okabe, Ito 2008).
constexpr std::array<const char*, 8> colours{"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                             "#56b4e9", "#e69f00", "#000000", "#8c8c00"};

std::string short_number(double value) {
  std::array<char, 32> text{};
  const int size = std::snprintf(text.data(), text.size(), "%.6g", value);
  return {text.data(), static_cast<std::size_t>(std::max(size, 0))};
}

std::string place(double value) {
  std::array<char, 32> text{};
  const int size = std::snprintf(text.data(), text.size(), "%.1f", value);
  return {text.data(), static_cast<std::size_t>(std::max(size, 0))};
}

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '<') {
      safe += "&lt;";
    } else if (c == '>') {
      safe += "&gt;";
    } else if (c == '&') {
      safe += "&amp;";
    } else if (c == '"') {
      safe += "&quot;";
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string text_at(double x, double y, const std::string& anchor, const std::string& text,
                    const std::string& more = "") {
  return "<text x=\"" + place(x) + "\" y=\"" + place(y) + "\" text-anchor=\"" + anchor + "\"" +
         more + ">" + escaped(text) + "</text>\n";
}

std::string line_from(double x1, double y1, double x2, double y2, const std::string& colour) {
  return "<line x1=\"" + place(x1) + "\" y1=\"" + place(y1) + "\" x2=\"" + place(x2) + "\" y2=\"" +
         place(y2) + "\" stroke=\"" + colour + "\"/>\n";
}

/// Values of one axis and where they lie on the page.
class Axis {
 public:
  Axis(bool logarithmic, double page_from, double page_to)
      : logarithmic_(logarithmic), page_from_(page_from), page_to_(page_to) {}

  [[nodiscard]] bool shows(double value) const {
    return std::isfinite(value) && (!logarithmic_ || value > 0);
  }
  void include(double value) {
    if (!shows(value)) return;
    least_ = std::min(least_, scaled(value));
    most_ = std::max(most_, scaled(value));
  }
  void settle() {
    if (least_ > most_) least_ = most_ = 0;
    if (most_ - least_ < 1e-9) most_ = least_ + 1;
  }
  [[nodiscard]] double page_of(double value) const {
    return page_from_ + (scaled(value) - least_) / (most_ - least_) * (page_to_ - page_from_);
  }
  [[nodiscard]] std::vector<double> ticks() const {
    std::vector<double> found;
    if (logarithmic_) {
      for (double power = std::floor(least_); power <= most_ + 1e-9; ++power) {
        if (power >= least_ - 1e-9) found.push_back(std::pow(10, power));
      }
      if (found.size() >= 2) return found;
      return {std::pow(10, least_), std::pow(10, most_)};
    }
    const double rough = (most_ - least_) / 5;
    const double power = std::pow(10, std::floor(std::log10(rough)));
    const double step = rough / power > 5 ? 10 * power : rough / power > 2 ? 5 * power : 2 * power;
    for (double at = std::ceil(least_ / step) * step; at <= most_ + step / 1000; at += step) {
      found.push_back(std::abs(at) < step / 1000 ? 0 : at);
    }
    return found;
  }

 private:
  [[nodiscard]] double scaled(double value) const {
    return logarithmic_ ? std::log10(value) : value;
  }

  bool logarithmic_;
  double page_from_;
  double page_to_;
  double least_ = 1e300;
  double most_ = -1e300;
};

std::string axes_of(const Chart& chart, const Axis& x, const Axis& y) {
  std::string all =
      line_from(left, bottom, right, bottom, "#000") + line_from(left, top, left, bottom, "#000");
  for (const double tick : x.ticks()) {
    all += line_from(x.page_of(tick), bottom, x.page_of(tick), bottom + 5, "#000");
    all += text_at(x.page_of(tick), bottom + 18, "middle", short_number(tick));
  }
  for (const double tick : y.ticks()) {
    all += line_from(left, y.page_of(tick), right, y.page_of(tick), "#ddd");
    all += text_at(left - 8, y.page_of(tick) + 4, "end", short_number(tick));
  }
  all += text_at((left + right) / 2, bottom + 40, "middle", chart.x_title);
  all += text_at(16, (top + bottom) / 2, "middle", chart.y_title,
                 " transform=\"rotate(-90 16 " + place((top + bottom) / 2) + ")\"");
  return all + text_at(left, top - 16, "start", chart.title, " font-weight=\"bold\"");
}

std::string series_of(const Series& series, std::size_t index, const Axis& x, const Axis& y) {
  const std::string colour = colours.at(index % colours.size());
  const std::string dash = series.dashed ? " stroke-dasharray=\"6 4\"" : "";
  std::string path;
  std::string dots;
  for (const Point& point : series.points) {
    if (!x.shows(point.x) || !y.shows(point.y)) continue;
    const std::string at_x = place(x.page_of(point.x));
    const std::string at_y = place(y.page_of(point.y));
    path += (path.empty() ? "" : " ") + at_x + "," + at_y;
    dots += "<circle cx=\"" + at_x + "\" cy=\"" + at_y + "\" r=\"3\" fill=\"" + colour + "\"/>\n";
  }
  const double legend_y = top + 10 + 18 * static_cast<double>(index);
  return "<polyline points=\"" + path + "\" fill=\"none\" stroke=\"" + colour + "\"" + dash +
         "/>\n" + (series.dashed ? "" : dots) +
         line_from(right + 12, legend_y - 4, right + 32, legend_y - 4, colour) +
         text_at(right + 38, legend_y, "start", series.name);
}

std::string svg_of(const Chart& chart) {
  Axis x(chart.x_logarithmic, left, right);
  Axis y(false, bottom, top);
  y.include(0);
  for (const Series& series : chart.series) {
    for (const Point& point : series.points) {
      x.include(point.x);
      y.include(point.y);
    }
  }
  x.settle();
  y.settle();
  std::string all = axes_of(chart, x, y);
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    all += series_of(chart.series[i], i, x, y);
  }
  return all;
}

}  // namespace

std::string svg_of(std::span<const Chart> charts) {
  const double page = height * static_cast<double>(std::max<std::size_t>(charts.size(), 1));
  std::string all = "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"" +
                    place(width) + "\" height=\"" + place(page) +
                    "\" font-family=\"sans-serif\" font-size=\"12\">\n"
                    "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";
  for (std::size_t i = 0; i < charts.size(); ++i) {
    all += "<g transform=\"translate(0 " + place(height * static_cast<double>(i)) + ")\">\n" +
           svg_of(charts[i]) + "</g>\n";
  }
  return all + "</svg>\n";
}

}  // namespace pixmesh::studies
