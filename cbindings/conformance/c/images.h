/* What the structs of layout.h show of the golden images. */
#ifndef CONFORMANCE_IMAGES_H
#define CONFORMANCE_IMAGES_H

/* images GOLDEN: a line for each scalar; ends the program where an image can't be read */
int show_images(const char *golden);

#endif
