"""Questions with the answers a student model is to learn, in the forms vendors take them."""
