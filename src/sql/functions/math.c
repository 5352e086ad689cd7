// SPDX-License-Identifier: Apache-2.0
// Functions of numbers. NULL gives NULL; what has no result is an error with the C library's words.
#include <errno.h>
#include <math.h>
#include <string.h>

#include "sql/sql.h"

static void give(sqlite3_context *context, double result, int error)
{
	if (error)
		sqlite3_result_error(context, strerror(error), -1);
	else
		sqlite3_result_double(context, result);
}

static void apply(sqlite3_context *context, sqlite3_value *value, double (*function)(double))
{
	double result;

	if (sqlite3_value_type(value) == SQLITE_NULL)
		return;
	errno = 0;
	result = function(sqlite3_value_double(value));
	give(context, result, errno);
}

static double cotangent(double x)
{
	return 1.0 / tan(x);
}

static double to_degrees(double x)
{
	return x * (180.0 / M_PI);
}

static double to_radians(double x)
{
	return x * (M_PI / 180.0);
}

#define OF_ONE(name, function)                                                                     \
	static void call_##name(sqlite3_context *context, int n, sqlite3_value **arguments)        \
	{                                                                                          \
		(void) n;                                                                          \
		apply(context, arguments[0], function);                                            \
	}

OF_ONE(sqrt, sqrt)
OF_ONE(acos, acos)
OF_ONE(asin, asin)
OF_ONE(atan, atan)
OF_ONE(sin, sin)
OF_ONE(cos, cos)
OF_ONE(tan, tan)
OF_ONE(cot, cotangent)
OF_ONE(exp, exp)
OF_ONE(log, log)
OF_ONE(log10, log10)
OF_ONE(degrees, to_degrees)
OF_ONE(radians, to_radians)

static void call_power(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	double result;

	(void) n;
	if (sqlite3_value_type(arguments[0]) == SQLITE_NULL ||
		sqlite3_value_type(arguments[1]) == SQLITE_NULL)
		return;
	errno = 0;
	result = pow(sqlite3_value_double(arguments[0]), sqlite3_value_double(arguments[1]));
	give(context, result, errno);
}

static void call_pi(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	(void) n;
	(void) arguments;
	sqlite3_result_double(context, M_PI);
}

static void round_to(sqlite3_context *context, sqlite3_value *value, double (*rounding)(double))
{
	if (sqlite3_value_type(value) == SQLITE_NULL)
		return;
	if (sqlite3_value_type(value) == SQLITE_INTEGER) {
		sqlite3_result_int64(context, sqlite3_value_int64(value));
	} else {
		double rounded = rounding(sqlite3_value_double(value));

		if (rounded >= -0x1p63 && rounded < 0x1p63)
			sqlite3_result_int64(context, (sqlite3_int64) rounded);
		else
			sqlite3_result_double(context, rounded);
	}
}

static void call_ceil(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	(void) n;
	round_to(context, arguments[0], ceil);
}

static void call_floor(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	(void) n;
	round_to(context, arguments[0], floor);
}

static const struct function list[] = {
	{ "sqrt", 1, call_sqrt, "Square root." },
	{ "acos", 1, call_acos, "Arc cosine, in radians." },
	{ "asin", 1, call_asin, "Arc sine, in radians." },
	{ "atan", 1, call_atan, "Arc tangent, in radians." },
	{ "sin", 1, call_sin, "Sine of radians." },
	{ "cos", 1, call_cos, "Cosine of radians." },
	{ "tan", 1, call_tan, "Tangent of radians." },
	{ "cot", 1, call_cot, "Cotangent of radians." },
	{ "exp", 1, call_exp, "e to that power." },
	{ "log", 1, call_log, "Natural logarithm." },
	{ "log10", 1, call_log10, "Logarithm to base 10." },
	{ "power", 2, call_power, "The first number to the power of the second." },
	{ "degrees", 1, call_degrees, "Radians as degrees." },
	{ "radians", 1, call_radians, "Degrees as radians." },
	{ "pi", 0, call_pi, "The constant pi." },
	{ "ceil", 1, call_ceil, "The least integer that is not below the number." },
	{ "floor", 1, call_floor, "The greatest integer that is not above the number." },
};

const struct functions functions_math = {
	.name = "math",
	.list = list,
	.n = sizeof(list) / sizeof(list[0]),
};
