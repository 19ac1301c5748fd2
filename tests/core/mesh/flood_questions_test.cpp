#include "core/mesh/flood_questions.hpp"

#include <doctest/doctest.h>

using ghoard::mesh::FloodQuestions;

TEST_CASE("an end belongs to the oldest question that it may answer, and to none that waits for a list") {
  FloodQuestions questions;
  CHECK_FALSE(questions.take_end());
  questions.ask_list(false);  // 1
  CHECK_FALSE(questions.is_end_due());
  questions.ask_list(true);  // 2
  questions.ask_brief();     // 3
  CHECK(questions.asked() == 3);
  REQUIRE(questions.is_list_due());
  questions.take_list();
  CHECK_FALSE(questions.is_list_due());
  CHECK(questions.take_end() == 1);
  CHECK(questions.take_end() == 2);
  CHECK(questions.take_end() == 3);
  CHECK_FALSE(questions.take_end());
}

TEST_CASE("a brief question that a list came for has no end") {
  FloodQuestions questions;
  questions.ask_brief();
  questions.ask_brief();
  questions.drop_brief();
  CHECK(questions.take_end() == 2);
  questions.drop_brief();
  CHECK_FALSE(questions.is_end_due());
}

TEST_CASE("questions that a peer leaves unanswered are not waited for without end") {
  FloodQuestions questions;
  for (int i = 0; i < 100; ++i) {
    questions.ask_brief();
    questions.ask_list(true);
    questions.ask_list(false);
    questions.take_list();
    questions.ask_list(false);
  }
  std::size_t ends = 0;
  while (questions.take_end()) {
    ++ends;
  }
  CHECK(ends == 2 * FloodQuestions::most_due);
  CHECK(questions.is_list_due());
}
