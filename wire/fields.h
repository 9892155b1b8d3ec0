#pragma once

#include "wire/bulk_fields.h"
#include "wire/client_fields.h"
#include "wire/holder_fields.h"
#include "wire/membership_fields.h"
#include "wire/operator_fields.h"
#include "wire/plan_fields.h"
#include "wire/run_fields.h"
#include "wire/shell_fields.h"
#include "wire/why_fields.h"

// Which fields of a struct travel, in which order. Append only: a reader takes the fields it knows
// and ignores further ones. A field that is added after a release comes with `required`, the count
// before it: what an older writer left out keeps its default. `number` is the message's type on the
// wire and is never used again.
