// SPDX-License-Identifier: Apache-2.0
#include "output/names.h"

#include "output/output.h"

const char *output_name(size_t at)
{
	return at < n_outputs_all ? outputs_all[at]->name : NULL;
}
