/* What the two image readers share: a program that prints one line a field,
 * "path value", of the struct whose image it is given.
 *
 *     reader STRUCT FILE
 *
 * One reader goes through the structs of layout.h (C), the other through the
 * accessors of flatc (C++). The same bytes must print the same lines.
 */
#ifndef IMAGE_READER_H
#define IMAGE_READER_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*image_printer)(const char *path, const void *at);

/* One struct that a program can print; a row without a name ends the table. */
struct image_reader {
	const char *name;
	size_t size;
	image_printer print;
};

extern const struct image_reader image_readers[];

enum { PATH_CAPACITY = 256 };

static inline void join_path(char *out, const char *path, const char *name)
{
	int n = snprintf(out, PATH_CAPACITY, "%s%s%s", path, *path ? "." : "", name);
	if (n < 0 || n >= PATH_CAPACITY) {
		fprintf(stderr, "%s: too long a path\n", name);
		exit(1);
	}
}

static inline void print_field(const char *path, const char *name, uint64_t value)
{
	char full[PATH_CAPACITY];
	join_path(full, path, name);
	printf("%s %" PRIu64 "\n", full, value);
}

static inline void print_nested(const char *path, const char *name, const void *at, image_printer print)
{
	char full[PATH_CAPACITY];
	join_path(full, path, name);
	print(full, at);
}

/* Reads exactly size bytes and no more from the file, or ends the program. */
static inline void *read_image(const char *file, size_t size)
{
	FILE *in = fopen(file, "rb");
	unsigned char *bytes = (unsigned char *)aligned_alloc(64, (size + 63) / 64 * 64);
	if (in == NULL || bytes == NULL || fread(bytes, 1, size, in) != size || fgetc(in) != EOF) {
		fprintf(stderr, "image %s: not a file of %zu bytes\n", file, size);
		exit(1);
	}
	fclose(in);
	return bytes;
}

/* Prints the fields of every struct's image in a folder, each behind the struct's name and a dot. */
static inline void print_images(const char *folder)
{
	for (const struct image_reader *r = image_readers; r->name != NULL; r++) {
		char file[4096];
		int n = snprintf(file, sizeof file, "%s/%s.bin", folder, r->name);
		if (n < 0 || (size_t)n >= sizeof file)
			exit(1);
		void *bytes = read_image(file, r->size);
		r->print(r->name, bytes);
		free(bytes);
	}
}

#ifndef IMAGE_READER_PART /* of a program that has a main of its own */
int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: %s STRUCT FILE\n", argv[0]);
		return 2;
	}
	for (const struct image_reader *r = image_readers; r->name != NULL; r++) {
		if (strcmp(r->name, argv[1]) == 0) {
			void *bytes = read_image(argv[2], r->size);
			r->print("", bytes);
			free(bytes);
			return 0;
		}
	}
	fprintf(stderr, "struct %s: not known\n", argv[1]);
	return 1;
}
#endif

#endif /* IMAGE_READER_H */
