"""From a data set's files to images in a protocol's frame: crops, landmarks, prepared stores."""
