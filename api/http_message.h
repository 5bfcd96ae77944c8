// Requests as Beast parses them and answers as bytes: the part of a connection
// that does no waiting. Inside api/ only.

#pragma once

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/system/error_code.hpp>
#include <string>
#include <string_view>

#include "api/router.h"

namespace ta {

// The parser of one request, and what its views need.
struct IncomingRequest {
  boost::beast::http::request_parser<boost::beast::http::string_body> parser;
  std::string accept;  // where the header is repeated
  std::string accept_encoding;
  std::string if_none_match;

  // What the router looks at; valid as long as this is.
  // REQUIRES: the parser is done
  Request View();
};

// The status line and the headers of an answer, with the empty line after them.
// `date` is the value of its Date header.
std::string ResponseHead(const Response& response, std::string_view date,
                         bool keep_alive, bool http10);

// The client broke off, or we did: nobody is left to answer. `error` is a
// parser's or a stream's.
bool IsGone(const boost::system::error_code& error);

// What is answered to a request that the parser refused. `begin` is what it
// began with, as far as it is still there.
struct Refusal {
  int status;
  std::string_view message;
};
Refusal RefusalOf(const boost::system::error_code& error,
                  std::string_view begin);

}  // namespace ta
