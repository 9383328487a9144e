/* Names, patterns and the text of addresses: segment.md, 10. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "base.h"

static bool token_byte(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* Checks one token; first and last say where it stands. */
static bool token_valid(const char *token, size_t size, bool first, bool last, bool wild)
{
	if (wild && size == 1 && (token[0] == '*' || (last && token[0] == '>')))
		return true;
	if (first && size > 0 && token[0] == '$') {
		token++;
		size--;
	}
	if (size == 0)
		return false;
	for (size_t i = 0; i < size; i++)
		if (!token_byte(token[i]))
			return false;
	return true;
}

static bool valid(const char *name, bool wild)
{
	size_t size = name == NULL ? 0 : strnlen(name, RC_MAX_NAME + 1);
	if (size == 0 || size > RC_MAX_NAME)
		return false;
	for (const char *token = name; token != NULL;) {
		const char *dot = strchr(token, '.');
		size_t n = dot != NULL ? (size_t)(dot - token) : strlen(token);
		if (!token_valid(token, n, token == name, dot == NULL, wild))
			return false;
		token = dot != NULL ? dot + 1 : NULL;
	}
	return true;
}

bool rci_name_valid(const char *name) { return valid(name, false); }
bool rci_pattern_valid(const char *pattern) { return valid(pattern, true); }
bool rci_has_wildcard(const char *name) { return strpbrk(name, "*>") != NULL; }

bool rc_name_matches(const char *pattern, const char *name)
{
	if (!valid(pattern, true) || !valid(name, false) || (name[0] == '$') != (pattern[0] == '$'))
		return false;
	for (;;) {
		size_t p = strcspn(pattern, "."), n = strcspn(name, ".");
		if (pattern[0] == '>')
			return true;
		if (pattern[0] != '*' && (p != n || memcmp(pattern, name, p) != 0))
			return false;
		if (pattern[p] == 0 || name[n] == 0)
			return pattern[p] == name[n];
		pattern += p + 1;
		name += n + 1;
	}
}

int rc_address_format(const struct rc_address *a, char *text, size_t size)
{
	if (a == NULL || text == NULL || size < RC_ADDRESS_TEXT)
		return rci_fail(RC_ERROR_INVALID, "address text: want room for %d bytes", RC_ADDRESS_TEXT);
	int n = snprintf(text, size, "n%u-%x.%u.%u", (unsigned)a->node, (unsigned)a->epoch, (unsigned)a->index, (unsigned)a->generation);
	if (a->handle != 0)
		(void)snprintf(text + n, size - (size_t)n, ":%u", (unsigned)a->handle);
	return RC_OK;
}

int rc_address_parse(const char *text, struct rc_address *address)
{
	unsigned node = 0, epoch = 0, index = 0, generation = 0, handle = 0;
	char again[RC_ADDRESS_TEXT];
	if (text == NULL || address == NULL)
		return rci_fail(RC_ERROR_INVALID, "address: NULL");
	int fields = sscanf(text, "n%10u-%8x.%5u.%10u:%5u", &node, &epoch, &index, &generation, &handle);
	struct rc_address a = {node, epoch, generation, (uint16_t)index, (uint16_t)handle};
	if (fields >= 4 && rc_address_format(&a, again, sizeof again) == RC_OK && strcmp(again, text) == 0) {
		*address = a;
		return RC_OK;
	}
	return rci_fail(RC_ERROR_INVALID, "address \"%.64s\": want the form n7-1f03.12.5 or n7-1f03.12.5:1", text);
}
