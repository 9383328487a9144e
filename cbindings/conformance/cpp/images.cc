#include "images.h"

#include "../../test/image_reader.h"

void show_images(const std::string &golden)
{
	print_images((golden + "/testdata").c_str());
}
