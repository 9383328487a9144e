#include "images.h"

#include "../../test/image_reader.h"

int show_images(const char *golden)
{
	char folder[2048];
	(void)snprintf(folder, sizeof folder, "%s/testdata", golden);
	print_images(folder);
	return 0;
}
