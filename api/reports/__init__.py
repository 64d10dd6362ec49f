"""What people take away: files made from findings."""
