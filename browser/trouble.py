"""What can go wrong while the site is built, in one sentence with the next step."""


class Trouble(Exception):
    """Something that whoever builds the site can mend."""
