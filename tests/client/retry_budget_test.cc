#include "client/retry_budget.h"

#include <doctest/doctest.h>

using namespace pixmesh;

TEST_CASE("client: a single run has retries, and many runs have one for ten of them") {
  RetryBudget budget;
  budget.on_request();
  int retries = 0;
  while (budget.spend()) ++retries;
  CHECK(retries == 10);

  for (int i = 0; i < 1000; ++i) {
    budget.on_request();
    if (budget.spend()) ++retries;
  }
  CHECK(retries == 10 + 100);
}

TEST_CASE("client: quiet times save ten retries and no more") {
  RetryBudget budget;
  for (int i = 0; i < 10'000; ++i) budget.on_request();
  int retries = 0;
  while (budget.spend()) ++retries;
  CHECK(retries == 10);
}
