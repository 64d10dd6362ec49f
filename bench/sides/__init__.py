"""What more than one bench needs: streams ready-made, and the other side of a comparison."""
