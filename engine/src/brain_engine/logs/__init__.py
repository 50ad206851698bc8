"""What one line of a log says about itself: how severe it is, and which error it tells of. Pure, of one line alone."""
