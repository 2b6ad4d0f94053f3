// The parts of the HTML report. They are kept as files of their own kinds in page/ and compiled in by
// page.cmake; the page itself can ask nobody for anything.
#pragma once

#include <string_view>

namespace starling::sim {

extern const std::string_view page_html;   ///< page/page.html, with @TITLE@, @DATA@ and so on in it
extern const std::string_view page_style;  ///< page/style.css
extern const std::string_view page_script;  ///< page/*.js in the order of page.cmake

}  // namespace starling::sim
