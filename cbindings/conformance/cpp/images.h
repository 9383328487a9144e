// What the accessors of FlatBuffers show of the golden images, in C++: images.cc.
#ifndef IMAGES_H
#define IMAGES_H

#include <string>

// Prints a line for each scalar. Ends the program where an image can't be read.
void show_images(const std::string &golden);

#endif
