"""AWS's refusals around moto: a sandbox that says no where AWS says no."""
