print("scanline")
